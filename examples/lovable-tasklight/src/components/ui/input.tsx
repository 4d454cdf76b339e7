import * as React from "react";
import { cn } from "@/lib/utils";

const Input = React.forwardRef<HTMLInputElement, React.ComponentProps<"input">>(({ className, ...props }, ref) => (
  <input
    ref={ref}
    className={cn(
      "h-11 w-full min-w-0 rounded-lg border border-input bg-card px-3 text-base placeholder:text-muted-foreground/80 disabled:opacity-50 sm:text-sm",
      className,
    )}
    {...props}
  />
));
Input.displayName = "Input";

export { Input };
