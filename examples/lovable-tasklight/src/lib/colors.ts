export const LIST_COLORS = ["fern", "amber", "clay", "lake", "plum"] as const;

const CLASSES: Record<string, string> = {
  fern: "bg-emerald-700",
  amber: "bg-amber-500",
  clay: "bg-orange-700",
  lake: "bg-sky-700",
  plum: "bg-fuchsia-800",
};

export function colorClass(color: string): string {
  return CLASSES[color] ?? CLASSES.fern;
}
