import * as React from "react";
import { createPortal } from "react-dom";
import { Button } from "@/components/ui/button";
import { CloseIcon } from "@/components/icons";

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: string;
  children: React.ReactNode;
}

/** The browser's own modal dialog: it traps the focus and closes with Escape. */
export function Dialog({ open, onOpenChange, title, description, children }: DialogProps) {
  const ref = React.useRef<HTMLDialogElement>(null);
  const titleId = React.useId();

  React.useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    if (open && !dialog.open) {
      dialog.showModal();
      dialog.querySelector<HTMLInputElement>("form input")?.focus();
    }
    if (!open && dialog.open) dialog.close();
  }, [open]);

  return createPortal(
    <dialog
      ref={ref}
      aria-labelledby={titleId}
      onClose={() => onOpenChange(false)}
      className="m-auto w-[calc(100vw-2rem)] max-w-md rounded-2xl border bg-card p-0 text-card-foreground shadow-soft backdrop:bg-foreground/40"
    >
      {open && (
        <div className="space-y-4 p-5 sm:p-6">
          <div className="flex items-start justify-between gap-3">
            <div className="space-y-1">
              <h2 id={titleId} className="text-lg font-semibold">
                {title}
              </h2>
              {description && <p className="text-sm text-muted-foreground">{description}</p>}
            </div>
            <Button variant="ghost" size="icon" aria-label="Close" onClick={() => onOpenChange(false)}>
              <CloseIcon />
            </Button>
          </div>
          {children}
        </div>
      )}
    </dialog>,
    document.body,
  );
}
