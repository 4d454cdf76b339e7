import { useEffect, useState, type FormEvent } from 'react';
import { api, send, type Seed } from './api';

export default function Seeds() {
  const [seeds, setSeeds] = useState<Seed[]>([]);
  const [name, setName] = useState('');

  useEffect(() => {
    api<Seed[]>('/seeds/').then(setSeeds);
  }, []);

  async function add(event: FormEvent) {
    event.preventDefault();
    const made = await send<Seed>('/seeds/', { name, packets: 1 });
    setSeeds([...seeds, made]);
    setName('');
  }

  async function give(seed: Seed) {
    await api(`/seeds/${seed.id}/`, { method: 'DELETE' });
    setSeeds(seeds.filter((other) => other.id !== seed.id));
  }

  return (
    <section>
      <h2>Your seeds</h2>
      <ul>
        {seeds.map((seed) => (
          <li key={seed.id}>
            {seed.name} <button onClick={() => give(seed)}>Give {seed.name} away</button>
          </li>
        ))}
      </ul>
      {seeds.length === 0 && <p>Nothing to swap yet.</p>}
      <form onSubmit={add}>
        <label>
          New seed
          <input required value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <button type="submit">Add</button>
      </form>
    </section>
  );
}
