import { useState, type FormEvent } from "react";
import { Field } from "@/components/Field";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { useListChanges } from "@/hooks/useLists";
import { messageOf } from "@/lib/utils";

interface ShareDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  list: { id: string; name: string; list_shares: { id: string; email: string }[] };
}

export function ShareDialog({ open, onOpenChange, list }: ShareDialogProps) {
  const { share, unshare } = useListChanges();
  const [email, setEmail] = useState("");

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    await share
      .mutateAsync({ listId: list.id, email })
      .then(() => setEmail(""))
      .catch(() => null);
  };

  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Share “${list.name}”`}
      description="People with this address see the list and can add and complete tasks."
    >
      <form onSubmit={submit} className="space-y-4">
        {share.error && <Alert>{messageOf(share.error)}</Alert>}
        <Field
          label="Their e-mail"
          type="email"
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <Button type="submit" className="h-11 w-full" disabled={share.isPending}>
          Share list
        </Button>
      </form>
      {list.list_shares.length > 0 && (
        <ul className="divide-y border-t" aria-label="Shared with">
          {list.list_shares.map((item) => (
            <li key={item.id} className="flex items-center justify-between gap-2 py-2 text-sm">
              <span className="min-w-0 truncate">{item.email}</span>
              <Button
                variant="ghost"
                size="sm"
                aria-label={`Stop sharing with ${item.email}`}
                onClick={() => unshare.mutate(item.id)}
              >
                Remove
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
