interface Line {
  /** A token: "--hd-s1". */
  readonly color: string;
  readonly name: string;
  readonly text: string;
}

/** The same in words, for who hears it. */
export const spoken = (time: string, lines: readonly Omit<Line, 'color'>[]): string =>
  [time, ...lines.map(({ name, text }) => `${name} ${text}`.trim())].join(', ');

/** What a chart says of the time under the pointer: made once, so that moving costs no layout of the page. */
export interface Reading {
  /** At x of a room that is so wide. */
  show(time: string, lines: readonly Line[], x: number, wide: number): void;
  hide(): void;
  remove(): void;
}

export function reading(root: HTMLElement): Reading {
  const box = root.appendChild(document.createElement('div'));
  box.className = 'chart-told num';
  box.hidden = true;
  const add = (parent: HTMLElement, tag: string, text: string) => {
    const made = parent.appendChild(document.createElement(tag));
    made.textContent = text;
    return made;
  };
  return {
    show(time, lines, x, wide) {
      box.replaceChildren();
      add(box, 'span', time);
      for (const { color, name, text } of lines) {
        const line = add(box, 'div', name);
        line.style.color = `var(${color})`;
        add(line, 'b', text);
      }
      box.hidden = false;
      // On the side where there is more room.
      const right = x < wide / 2;
      box.style.left = right ? `${x + 10}px` : '';
      box.style.right = right ? '' : `${root.clientWidth - x + 10}px`;
    },
    hide() {
      box.hidden = true;
    },
    remove() {
      box.remove();
    },
  };
}
