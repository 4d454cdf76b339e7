import { useEffect, useState } from 'react';
import { base44 } from '@/api/base44Client';

const { Wish } = base44.entities;

export default function Wishes() {
  const [wishes, setWishes] = useState(null);

  const load = () => Wish.filter({ tags: { $exists: true } }, '-created_date', 50).then(setWishes);

  useEffect(() => {
    load();
  }, []);

  async function add(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const text = new FormData(form).get('text');
    await Wish.create({ text, tags: text.match(/#\w+/g) ?? [] });
    form.reset();
    await load();
  }

  return (
    <>
      <h1>My wishes</h1>
      <p>Only you see these.</p>
      <form onSubmit={add} className="row">
        <label>Wish <input name="text" required /></label>
        <button className="go">Keep it</button>
      </form>
      <ul>{wishes?.map((wish) => <li key={wish.id}>{wish.text}</li>)}</ul>
    </>
  );
}
