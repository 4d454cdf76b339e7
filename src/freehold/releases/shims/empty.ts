// Stands for imports that only declare types or patch a browser: the runtime supplies EdgeRuntime, fetch does the rest.
export {};
