// Values come from the address, else from the build, else from an earlier visit.
const query = new URLSearchParams(window.location.search);

function param(name, { fallback, takeOut = false } = {}) {
  const key = `base44_${name}`;
  const given = query.get(name);
  if (given && takeOut) {
    query.delete(name);
    const rest = query.toString();
    window.history.replaceState({}, '', `${window.location.pathname}${rest ? `?${rest}` : ''}${window.location.hash}`);
  }
  const value = given || fallback;
  if (value) localStorage.setItem(key, value);
  return value || localStorage.getItem(key);
}

export const appParams = {
  appId: param('app_id', { fallback: import.meta.env.VITE_BASE44_APP_ID }),
  token: param('access_token', { takeOut: true }),
  functionsVersion: param('functions_version', { fallback: import.meta.env.VITE_BASE44_FUNCTIONS_VERSION }),
  appBaseUrl: param('app_base_url', { fallback: import.meta.env.VITE_BASE44_APP_BASE_URL }),
};
