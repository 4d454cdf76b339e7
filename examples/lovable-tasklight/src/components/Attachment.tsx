import { ClipIcon } from "@/components/icons";
import { useSignedUrl } from "@/hooks/useTasks";
import type { Tables } from "@/integrations/supabase/types";

export function Attachment({ file }: { file: Tables<"attachments"> }) {
  const { data: url, error } = useSignedUrl(file.path);
  if (error) return <span className="text-sm text-muted-foreground">{file.name} cannot be opened</span>;
  if (!url) return null;
  if (file.content_type?.startsWith("image/")) {
    return (
      <a href={url} target="_blank" rel="noreferrer" className="block">
        <img src={url} alt={file.name} className="h-24 max-w-full rounded-lg border object-cover" />
      </a>
    );
  }
  return (
    <a
      href={url}
      target="_blank"
      rel="noreferrer"
      className="inline-flex max-w-full items-center gap-1.5 rounded-lg bg-secondary px-2.5 py-1.5 text-sm hover:bg-secondary/70"
    >
      <ClipIcon className="size-4 shrink-0" />
      <span className="truncate">{file.name}</span>
    </a>
  );
}
