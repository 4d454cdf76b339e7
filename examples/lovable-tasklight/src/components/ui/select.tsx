import * as React from "react";
import { cn } from "@/lib/utils";

const Select = React.forwardRef<HTMLSelectElement, React.ComponentProps<"select">>(({ className, ...props }, ref) => (
  <select
    ref={ref}
    className={cn("h-11 min-w-0 rounded-lg border border-input bg-card px-3 text-base sm:text-sm", className)}
    {...props}
  />
));
Select.displayName = "Select";

export { Select };
