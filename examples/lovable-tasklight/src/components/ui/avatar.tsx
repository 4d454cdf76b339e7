import { cn } from "@/lib/utils";

interface AvatarProps {
  name: string;
  src?: string | null;
  className?: string;
}

export function Avatar({ name, src, className }: AvatarProps) {
  const shape = cn("size-9 shrink-0 rounded-full", className);
  if (src) return <img src={src} alt={name} className={cn(shape, "border object-cover")} />;
  return (
    <span
      aria-hidden="true"
      className={cn(shape, "inline-flex items-center justify-center bg-accent/60 text-sm font-semibold text-accent-foreground")}
    >
      {name.trim().charAt(0).toUpperCase() || "?"}
    </span>
  );
}
