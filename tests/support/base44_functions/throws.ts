Deno.serve(() => {
  throw new Error("nobody should see this");
});
