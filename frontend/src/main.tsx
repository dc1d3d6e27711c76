import './ui/styles';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { followPreferences } from './app/preferences';
import { Start } from './app/start';

followPreferences();
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Start />
    </StrictMode>,
  );
}
