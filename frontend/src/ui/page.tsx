import type { ReactNode } from 'react';

interface PageHeadProps {
  title: ReactNode;
  crumb?: ReactNode;
  facts?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}

/** The head of a page: title left, facts beside it, actions right; tabs or filters below. */
export function PageHead({ title, crumb, facts, actions, children }: PageHeadProps) {
  return (
    <header className="ph">
      {crumb && <div className="crumb">{crumb}</div>}
      <div className="ph-row">
        <h1>{title}</h1>
        {facts && <div className="ph-facts num">{facts}</div>}
        <span className="fill" />
        {actions && <div className="ph-act">{actions}</div>}
      </div>
      {children}
    </header>
  );
}

/** A sheet: one question, its title, and at most one link or fact at its right. */
export function Sheet({
  title,
  facts,
  end,
  children,
  className = '',
}: {
  title: ReactNode;
  facts?: ReactNode;
  end?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={`sheet ${className}`}>
      <h2>
        {title}
        {facts && <span className="dim num">{facts}</span>}
        <span className="fill" />
        {end}
      </h2>
      {children}
    </section>
  );
}
