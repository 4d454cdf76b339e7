import { createContext, useContext, useEffect, useState } from 'react';
import { base44 } from '@/api/base44Client';

const Auth = createContext(null);

export const useAuth = () => useContext(Auth);

/** Asks how the app is entered before anything is shown: a 403 says whether to sign in or to ask for an invitation. */
export function AuthProvider({ children }) {
  const [state, setState] = useState({ loading: true });

  useEffect(() => {
    async function boot() {
      try {
        await base44.app.getPublicSettings();
      } catch (error) {
        const reason = error.data?.extra_data?.reason;
        setState({ loading: false, problem: error.status === 403 && reason ? reason : 'unknown' });
        return;
      }
      const user = await base44.auth.me().catch(() => null);
      setState({ loading: false, user });
    }
    boot();
  }, []);

  return <Auth.Provider value={state}>{children}</Auth.Provider>;
}
