import { useEffect, useState } from 'react';
import { api, send, type Tip } from './api';
import Door from './Door';
import Seeds from './Seeds';

interface Session {
  user: string | null;
}

export default function App() {
  const [session, setSession] = useState<Session | null>(null);
  const [tips, setTips] = useState<Tip[]>([]);

  useEffect(() => {
    api<Session>('/session/').then(setSession);
    api<Tip[]>('/tips/').then(setTips);
  }, []);

  if (!session) return null;
  return (
    <main>
      <header>
        <h1>Seedswap</h1>
        {session.user && (
          <p>
            Signed in as <strong>{session.user}</strong>{' '}
            <button onClick={() => send<Session>('/session/out/', {}).then(setSession)}>Sign out</button>
          </p>
        )}
      </header>
      {session.user ? <Seeds /> : <Door onOpen={(user) => setSession({ user })} />}
      <aside>
        <h2>Growing tips</h2>
        <ul>
          {tips.map((tip) => (
            <li key={tip.id}>{tip.text}</li>
          ))}
        </ul>
      </aside>
    </main>
  );
}
