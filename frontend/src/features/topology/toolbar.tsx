import {
  Button,
  MenuToggle,
  SearchInput,
  Select,
  SelectList,
  SelectOption,
  Switch,
  ToggleGroup,
  ToggleGroupItem,
  Toolbar,
  ToolbarContent,
  ToolbarGroup,
  ToolbarItem,
} from '@patternfly/react-core';
import { Table2, WandSparkles, Waypoints, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { ExportButton } from '../../ui/save-csv';
import { useUiTexts } from '../../ui/texts';
import type { LabelChoice } from './canvas/thread-label';
import { useTopologyTexts } from './texts';

const icon = { size: 15, strokeWidth: 1.7, 'aria-hidden': true } as const;

export const modes = ['service', 'workload', 'app'] as const;
export type Mode = (typeof modes)[number];
export const labelChoices = ['rate', 'errors', 'p95', 'none'] as const satisfies readonly LabelChoice[];

interface ToolbarProps {
  mode: Mode;
  onMode: (mode: Mode) => void;
  labels: LabelChoice;
  onLabels: (choice: LabelChoice) => void;
  find: string;
  onFind: (find: string) => void;
  /** What is wrong with what was typed, or how much was found. */
  said: { text: string; wrong: boolean } | undefined;
  idle: boolean;
  onIdle: (shown: boolean) => void;
  /** Whose neighbourhood is shown. */
  around: string | undefined;
  onAroundEnd: () => void;
  table: boolean;
  onTable: () => void;
  onTidy: () => void;
  onExport: () => void;
  note: ReactNode;
}

/** What the picture shows. */
export function TopologyToolbar(props: ToolbarProps) {
  const t = useTopologyTexts();
  return (
    <Toolbar className="tp-bar" inset={{ default: 'insetNone' }}>
      <ToolbarContent>
        <ToolbarItem>
          <ToggleGroup aria-label={t('mode.label')}>
            {modes.map((mode) => (
              <ToggleGroupItem
                key={mode}
                buttonId={`mode-${mode}`}
                text={t(`mode.${mode}`)}
                isSelected={props.mode === mode}
                onChange={() => props.onMode(mode)}
              />
            ))}
          </ToggleGroup>
        </ToolbarItem>
        <ToolbarItem className="tp-bar-labels">
          <LabelSelect value={props.labels} onChange={props.onLabels} />
        </ToolbarItem>
        <ToolbarItem className="tp-bar-find">
          <FindField find={props.find} onFind={props.onFind} said={props.said} />
        </ToolbarItem>
        <ToolbarItem className="tp-bar-idle">
          <Switch
            id="topology-idle"
            label={t('idle.show')}
            isChecked={props.idle}
            onChange={(_, shown) => props.onIdle(shown)}
          />
        </ToolbarItem>
        {props.around && (
          <ToolbarItem>
            <span className="tp-around">
              <span className="cut" data-ellipsis>
                {t('around', { name: props.around })}
              </span>
              <Button
                variant="plain"
                size="sm"
                aria-label={t('around.end')}
                icon={<X size={13} aria-hidden />}
                onClick={props.onAroundEnd}
              />
            </span>
          </ToolbarItem>
        )}
        <ToolbarGroup align={{ default: 'alignEnd' }} className="tp-bar-end">
          {props.note && <ToolbarItem className="tp-bar-note num">{props.note}</ToolbarItem>}
          <ToolbarItem>
            <Button
              variant="plain"
              size="sm"
              icon={props.table ? <Waypoints {...icon} /> : <Table2 {...icon} />}
              onClick={props.onTable}
            >
              {t(props.table ? 'graph' : 'table')}
            </Button>
          </ToolbarItem>
          {!props.table && (
            <ToolbarItem>
              <Button variant="plain" size="sm" icon={<WandSparkles {...icon} />} onClick={props.onTidy}>
                {t('tidy')}
              </Button>
            </ToolbarItem>
          )}
          <ToolbarItem>
            <ExportButton inBar onExport={props.onExport} />
          </ToolbarItem>
        </ToolbarGroup>
      </ToolbarContent>
    </Toolbar>
  );
}

function LabelSelect({ value, onChange }: { value: LabelChoice; onChange: (choice: LabelChoice) => void }) {
  const t = useTopologyTexts();
  const [open, setOpen] = useState(false);
  return (
    <Select
      isOpen={open}
      selected={value}
      onOpenChange={setOpen}
      onSelect={(_, choice) => {
        onChange(choice as LabelChoice);
        setOpen(false);
      }}
      toggle={(ref) => (
        <MenuToggle ref={ref} isExpanded={open} onClick={() => setOpen(!open)}>
          <span className="dim">{t('labels')}</span> {t(`labels.${value}`)}
        </MenuToggle>
      )}
    >
      <SelectList aria-label={t('labels')}>
        {labelChoices.map((choice) => (
          <SelectOption key={choice} value={choice}>
            {t(`labels.${choice}`)}
          </SelectOption>
        ))}
      </SelectList>
    </Select>
  );
}

interface FindFieldProps {
  find: string;
  onFind: (find: string) => void;
  said: { text: string; wrong: boolean } | undefined;
}

/** Finds while one types; below it stands what is wrong, or how much was found. */
function FindField({ find, onFind, said }: FindFieldProps) {
  const t = useTopologyTexts();
  const ui = useUiTexts();
  return (
    <div className="tp-find">
      <SearchInput
        aria-label={t('find.label')}
        placeholder={t('find.hint')}
        value={find}
        onChange={(_, text) => onFind(text)}
        onClear={() => onFind('')}
        resetButtonLabel={ui('filter.clear')}
      />
      <p role="status" className={said ? `tp-find-said${said.wrong ? ' is-wrong' : ''}` : 'vh'}>
        {said?.text}
      </p>
    </div>
  );
}
