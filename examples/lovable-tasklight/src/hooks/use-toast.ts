import { useSyncExternalStore } from "react";

interface Toast {
  id: number;
  title: string;
  variant?: "default" | "destructive";
}

const SHOWN_MS = 4000;

let toasts: Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function publish(next: Toast[]) {
  toasts = next;
  listeners.forEach((listener) => listener());
}

export function toast(message: Omit<Toast, "id">) {
  const id = ++lastId;
  publish([...toasts.slice(-2), { id, ...message }]);
  window.setTimeout(() => publish(toasts.filter((item) => item.id !== id)), SHOWN_MS);
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function useToasts() {
  return useSyncExternalStore(subscribe, () => toasts);
}
