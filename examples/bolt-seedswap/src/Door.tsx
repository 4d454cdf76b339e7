import { useState, type FormEvent } from 'react';
import { send } from './api';

export default function Door({ onOpen }: { onOpen: (user: string) => void }) {
  const [isNew, setIsNew] = useState(false);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState('');

  async function submit(event: FormEvent) {
    event.preventDefault();
    setError('');
    try {
      const found = await send<{ user: string }>(isNew ? '/session/up/' : '/session/in/', { email, password });
      onOpen(found.user);
    } catch (failure) {
      setError((failure as Error).message);
    }
  }

  return (
    <form onSubmit={submit}>
      <h2>{isNew ? 'Create an account' : 'Sign in'}</h2>
      <label>
        Email
        <input type="email" required value={email} onChange={(event) => setEmail(event.target.value)} />
      </label>
      <label>
        Password
        <input
          type="password"
          required
          minLength={8}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </label>
      {error && <p role="alert">{error}</p>}
      <button type="submit">{isNew ? 'Sign up' : 'Sign in'}</button>
      <button type="button" onClick={() => setIsNew(!isNew)}>
        {isNew ? 'I have an account' : 'I am new here'}
      </button>
    </form>
  );
}
