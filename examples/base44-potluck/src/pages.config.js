import Table from './pages/Table';
import Wishes from './pages/Wishes';

export const pagesConfig = { mainPage: 'Table', Pages: { Table, Wishes } };
