import { useId } from 'react';

import type { QueryEditorProps } from '@grafana/data';
import {
  Badge,
  Combobox,
  type ComboboxOption,
  Field,
  Label,
  MultiCombobox,
  RadioButtonGroup,
  Stack,
  Text,
} from '@grafana/ui';

import type { DataSource } from '../datasource';
import type { StreamlensOptions } from '../options';
import type { FilterName, Form, StreamlensQuery } from '../query';
import { variableReferences } from '../variables';
import { WIDGETS, withWidget } from '../widgets';

type Props = QueryEditorProps<DataSource, StreamlensQuery, StreamlensOptions>;

const WIDGET_OPTIONS: Array<ComboboxOption<string>> = WIDGETS.map(({ type, title, description, page, level }) => ({
  value: type,
  label: level === 'premium' ? `${title} (premium)` : title,
  description,
  group: page,
}));

const FORMS: Array<{ label: string; value: Form; description: string }> = [
  { label: 'Total', value: 'total', description: 'One answer for the whole time range' },
  { label: 'Series', value: 'series', description: 'One answer per interval' },
];

const UNITS: Array<ComboboxOption<string>> = [
  { value: 'traffic', label: 'Traffic', description: 'Bytes, as servers and logs report them' },
  { value: 'playtime', label: 'Playtime', description: 'Seconds, as players and webcasters report them' },
];

const MODES: Array<ComboboxOption<string>> = [
  { value: 'absolute', label: 'Absolute' },
  { value: 'delta', label: 'Delta', description: 'Difference to the interval before' },
];

const INTERVALS: Array<ComboboxOption<string>> = ['1m', '5m', '10m', '1h', '6h', '1d'].map((value) => ({ value }));

const TIME_ZONES: Array<ComboboxOption<string>> = [
  { value: 'UTC' },
  { value: '$__timezone', label: 'As the dashboard' },
  ...Intl.supportedValuesOf('timeZone')
    .filter((value) => value !== 'UTC')
    .map((value) => ({ value })),
];

const FILTERS: Record<FilterName, { label: string; description: string }> = {
  country: { label: 'Countries', description: 'Any of them, as codes such as DE' },
  stream: { label: 'Streams', description: 'Any of them' },
  tag: { label: 'Tags', description: 'Streams that have all of them' },
  event: { label: 'Events', description: 'Any of them, by event id' },
  referrer: { label: 'Referrers', description: 'Any of them, by host' },
};

/** Edits one query: the widget first, then only what that widget has. */
export function QueryEditor({ query, onChange, onRunQuery }: Props) {
  const widget = WIDGETS.find(({ type }) => type === query.queryType);
  const form = query.form ?? 'total';
  const variables = variableReferences().map((value) => ({ value, group: 'Variables' }));

  const run = (next: StreamlensQuery) => {
    onChange(next);
    onRunQuery();
  };
  const set = (change: Partial<StreamlensQuery>) => run({ ...query, ...change });

  return (
    <Stack direction="column" gap={2}>
      <Stack direction="row" gap={2} wrap="wrap" alignItems="flex-end">
        <ChoiceField
          label="Widget"
          value={query.queryType}
          options={WIDGET_OPTIONS}
          placeholder="Choose a widget"
          width={40}
          onChange={(type) => {
            const chosen = WIDGETS.find((candidate) => candidate.type === type);
            if (chosen) {
              run(withWidget(query, chosen));
            }
          }}
        />
        {widget && (
          <Field noMargin label="Form">
            <RadioButtonGroup
              aria-label="Form"
              options={FORMS}
              value={form}
              onChange={(value) =>
                // Without intervals there is nothing to compare with, so the backend refuses both in a total.
                set(value === 'total' ? { form: value, mode: undefined, interval: undefined } : { form: value })
              }
            />
          </Field>
        )}
        {widget?.level === 'premium' && (
          <Badge color="purple" text="Premium" tooltip="Only organisations of level premium get an answer" />
        )}
      </Stack>

      {widget && (
        <>
          <Text color="secondary">{widget.description}</Text>
          <Stack direction="row" gap={2} wrap="wrap">
            {widget.options.includes('unit') && (
              <ChoiceField
                label="Unit"
                value={query.unit ?? 'traffic'}
                options={[...UNITS, ...variables]}
                custom
                onChange={(unit) => set({ unit })}
              />
            )}
            {widget.options.includes('metric') && (
              <ChoiceField
                label="Metric"
                value={query.metric}
                options={[...widget.metrics.map((value) => ({ value })), ...variables]}
                placeholder="Choose a metric"
                custom
                onChange={(metric) => set({ metric })}
              />
            )}
            {form === 'series' && widget.options.includes('mode') && (
              <ChoiceField
                label="Mode"
                value={query.mode ?? 'absolute'}
                options={[...MODES, ...variables]}
                custom
                onChange={(mode) => set({ mode })}
              />
            )}
            {form === 'series' && (
              <ChoiceField
                label="Interval"
                value={query.interval}
                options={[...INTERVALS, ...variables]}
                placeholder="Automatic"
                custom
                onChange={(interval) => set({ interval })}
                onClear={() => set({ interval: undefined })}
              />
            )}
            <ChoiceField
              label="Time zone"
              value={query.timezone ?? 'UTC'}
              options={[...TIME_ZONES, ...variables]}
              custom
              onChange={(timezone) => set({ timezone })}
            />
          </Stack>
          <Stack direction="row" gap={2} wrap="wrap">
            {widget.filters.map((name) => (
              <FilterField
                key={name}
                {...FILTERS[name]}
                values={query[name] ?? []}
                options={variables}
                onChange={(values) => set({ [name]: values.length > 0 ? values : undefined })}
              />
            ))}
          </Stack>
        </>
      )}
    </Stack>
  );
}

interface ChoiceFieldProps {
  label: string;
  value: string | undefined;
  options: Array<ComboboxOption<string>>;
  placeholder?: string;
  /** In multiples of 8 px. */
  width?: number;
  /** Whether a value that is no option may be typed. */
  custom?: boolean;
  onChange: (value: string) => void;
  /** Without it the value cannot be cleared. */
  onClear?: () => void;
}

/** A labelled choice of one value. */
function ChoiceField({ label, value, options, placeholder, width = 24, custom, onChange, onClear }: ChoiceFieldProps) {
  const common = { id: useId(), value: value ?? null, options, placeholder, width, createCustomValue: custom };

  return (
    <Field noMargin label={label}>
      {onClear ? (
        <Combobox {...common} isClearable onChange={(option) => (option ? onChange(option.value) : onClear())} />
      ) : (
        <Combobox {...common} onChange={(option) => onChange(option.value)} />
      )}
    </Field>
  );
}

interface FilterFieldProps {
  label: string;
  description: string;
  values: string[];
  options: Array<ComboboxOption<string>>;
  onChange: (values: string[]) => void;
}

/** A labelled list of values, typed or chosen; an empty one filters nothing. */
function FilterField({ label, description, values, options, onChange }: FilterFieldProps) {
  const labelId = useId();

  return (
    <Field
      noMargin
      label={
        <Label description={description}>
          <span id={labelId}>{label}</span>
        </Label>
      }
    >
      <MultiCombobox
        aria-labelledby={labelId}
        value={values}
        options={options}
        placeholder="All"
        width={32}
        isClearable
        createCustomValue
        onChange={(chosen) => onChange(chosen.map((option) => option.value))}
      />
    </Field>
  );
}
