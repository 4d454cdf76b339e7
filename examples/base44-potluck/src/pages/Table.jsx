import { useEffect, useState } from 'react';
import { base44 } from '@/api/base44Client';
import { useAuth } from '@/lib/AuthContext';

const KINDS = ['starter', 'main', 'dessert', 'drink'];
const { Dish } = base44.entities;

export default function Table() {
  const { user } = useAuth();
  const [dishes, setDishes] = useState(null);
  const [summary, setSummary] = useState('');
  const [problem, setProblem] = useState('');

  useEffect(() => {
    Dish.list('-created_date').then(setDishes, (error) => setProblem(error.message));
    return Dish.subscribe(({ type, id, data }) =>
      setDishes((known) => {
        const others = (known ?? []).filter((dish) => dish.id !== id);
        if (type === 'delete') return others;
        return [data, ...others].sort((a, b) => b.created_date.localeCompare(a.created_date));
      }));
  }, []);

  const attempt = (work) => async (...given) => {
    setProblem('');
    try {
      return await work(...given);
    } catch (error) {
      setProblem(error.response?.data?.error || error.message);
    }
  };

  const summarise = attempt(async () => {
    const { data } = await base44.functions.invoke('table-summary', {});
    setSummary(`${data.dishes} dishes, ${data.portions} portions, ${data.wishes} wishes`);
  });

  const suggest = attempt(async () => {
    const answer = await base44.integrations.Core.InvokeLLM({
      prompt: `Suggest one dish that is missing beside: ${dishes.map((dish) => dish.title).join(', ') || 'nothing yet'}`,
      response_json_schema: { type: 'object', properties: { title: { type: 'string' } } },
    });
    setSummary(`How about ${answer.title}?`);
  });

  return (
    <>
      <h1>On the table</h1>
      {problem && <p role="alert">{problem}</p>}
      <NewDish onProblem={setProblem} />
      <div className="row">
        <button onClick={summarise}>Summarise</button>
        <button onClick={suggest}>Suggest a dish</button>
        <output>{summary}</output>
      </div>
      {dishes === null && <p role="status">Setting the table…</p>}
      {dishes?.length === 0 && <p>Nothing yet. Bring the first dish.</p>}
      <ul className="dishes">
        {dishes?.map((dish) => (
          <li key={dish.id}>
            {dish.photo ? <img src={dish.photo} alt={dish.title} /> : <span className="plate" aria-hidden="true">🍽</span>}
            <div>
              <strong>{dish.title}</strong>
              <small>{dish.kind}{dish.serves ? `, serves ${dish.serves}` : ''}{dish.vegan ? ', vegan' : ''} · {dish.created_by}</small>
            </div>
            <button onClick={attempt(() => Dish.delete(dish.id))} aria-label={`Remove ${dish.title}`}
              title={dish.created_by_id === user.id ? 'Remove' : 'Only the cook can remove this'}>×</button>
          </li>
        ))}
      </ul>
    </>
  );
}

function NewDish({ onProblem }) {
  const [busy, setBusy] = useState(false);

  async function add(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    setBusy(true);
    onProblem('');
    try {
      const photo = values.get('photo');
      const uploaded = photo?.size ? await base44.integrations.Core.UploadFile({ file: photo }) : {};
      await Dish.create({
        title: values.get('title'),
        kind: values.get('kind'),
        vegan: values.has('vegan'),
        ...(values.get('serves') && { serves: Number(values.get('serves')) }),
        ...(uploaded.file_url && { photo: uploaded.file_url }),
      });
      form.reset();
    } catch (error) {
      onProblem(error.message);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={add} className="row">
      <label>Dish <input name="title" required /></label>
      <label>Kind <select name="kind" defaultValue="main">{KINDS.map((kind) => <option key={kind}>{kind}</option>)}</select></label>
      <label>Serves <input name="serves" type="number" min="1" max="99" /></label>
      <label>Photo <input name="photo" type="file" accept="image/*" /></label>
      <label className="check"><input name="vegan" type="checkbox" /> Vegan</label>
      <button className="go" disabled={busy}>Bring it</button>
    </form>
  );
}
