// Stands before @base44/sdk 0.8 for apps that were written for 0.1: the same names, on the app's own address.
export * from "./freehold-original.js";
import { createClient as create } from "./freehold-original.js";

const inBrowser = typeof window !== "undefined";
const here = () => (inBrowser ? window.location.href : "/");

export function createClient(config) {
  const client = create({ serverUrl: "", appBaseUrl: "", ...config });
  const { auth, functions } = client;
  const people = client.entities.User;
  const older = {
    login: (next) => auth.redirectToLogin(next ?? here()),
    loginWithRedirect: (next) => auth.redirectToLogin(next ?? here()),
    updateMyUserData: (data) => auth.updateMe(data),
    list: (...given) => people.list(...given),
    filter: (...given) => people.filter(...given),
    get: (id) => people.get(id),
    update: (id, data) => people.update(id, data),
  };
  for (const [name, call] of Object.entries(older)) if (!(name in auth)) auth[name] = call;
  const named = new Proxy(functions, {
    get: (target, name) =>
      typeof name !== "string" || name in target || name === "then" ? target[name] : (data) => target.invoke(name, data),
  });
  return new Proxy(client, { get: (target, name) => (name === "functions" ? named : target[name]) });
}
