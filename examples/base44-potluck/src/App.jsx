import { BrowserRouter, NavLink, Route, Routes } from 'react-router-dom';
import { base44 } from '@/api/base44Client';
import { AuthProvider, useAuth } from '@/lib/AuthContext';
import { pagesConfig } from './pages.config';

const { mainPage, Pages } = pagesConfig;
const Main = Pages[mainPage];

function Door() {
  const { loading, problem, user } = useAuth();
  if (loading) return <p className="center" role="status">One moment…</p>;
  if (problem === 'user_not_registered') return <p className="center">You are not on the list. Ask the host for an invitation.</p>;
  if (problem === 'unknown') return <p className="center" role="alert">Potluck cannot be reached. Try again later.</p>;
  if (problem || !user) {
    return (
      <section className="center">
        <h1>Potluck</h1>
        <p>Who brings what to the table.</p>
        <button className="go" onClick={() => base44.auth.redirectToLogin()}>Sign in</button>
      </section>
    );
  }
  return (
    <>
      <header>
        <strong>Potluck</strong>
        <nav>
          <NavLink to="/" end>Table</NavLink>
          <NavLink to="/Wishes">Wishes</NavLink>
        </nav>
        <span className="who">{user.full_name}</span>
        <button onClick={() => base44.auth.logout(window.location.origin)}>Sign out</button>
      </header>
      <main>
        <Routes>
          <Route path="/" element={<Main />} />
          {Object.entries(Pages).map(([name, Page]) => <Route key={name} path={`/${name}`} element={<Page />} />)}
          <Route path="*" element={<p>There is no such page.</p>} />
        </Routes>
      </main>
    </>
  );
}

export default function App() {
  return (
    <AuthProvider>
      <BrowserRouter>
        <Door />
      </BrowserRouter>
    </AuthProvider>
  );
}
