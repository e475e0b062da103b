import { useEffect, useId } from 'react';

import { CoreApp, type QueryEditorProps } from '@grafana/data';
import {
  Badge,
  Combobox,
  type ComboboxOption,
  Field,
  Input,
  RadioButtonGroup,
  Stack,
  Switch,
  TagsInput,
  Text,
} from '@grafana/ui';

import type { DataSource } from '../datasource';
import type { StreamlensOptions } from '../options';
import {
  DIMENSION_LABELS,
  DIMENSIONS,
  FIRST_WIDGET,
  type Form,
  RECORD_BREAKDOWNS,
  type StreamlensQuery,
} from '../query';
import { variableReferences } from '../variables';
import { hasTags, isPremium, metricsOf, type Widget, WIDGETS, withWidget } from '../widgets';
import { DimensionField, FilterFields } from './FilterFields';

type Props = QueryEditorProps<DataSource, StreamlensQuery, StreamlensOptions>;

const optionsOf = (widgets: Widget[]): Array<ComboboxOption<string>> =>
  widgets.map(({ type, title, description, page, level }) => ({
    value: type,
    label: level === 'premium' ? `${title} (premium)` : title,
    description,
    group: page,
  }));

const WIDGET_OPTIONS = optionsOf(WIDGETS);

/** What an alert rule can watch: lists have no number that it could. */
const ALERT_OPTIONS = optionsOf(WIDGETS.filter(({ list }) => !list));

const FORMS: Array<{ label: string; value: Form; description: string }> = [
  { label: 'Total', value: 'total', description: 'One answer for the whole time range' },
  { label: 'Series', value: 'series', description: 'One answer per interval' },
  { label: 'Parts', value: 'parts', description: 'As total, each name with its own colour: for pies' },
  { label: 'Trend', value: 'trend', description: 'As total, after what was before: for tiles that show the change' },
];

const UNITS: Array<ComboboxOption<string>> = [
  { value: 'traffic', label: 'Traffic', description: 'Bytes, as servers and logs report them' },
  { value: 'playtime', label: 'Playtime', description: 'Seconds, as players and webcasters report them' },
];

const MODES: Array<ComboboxOption<string>> = [
  { value: 'absolute', label: 'Absolute' },
  { value: 'delta', label: 'Delta', description: 'Difference to the interval before' },
];

const BREAKDOWNS: Array<ComboboxOption<string>> = [
  { value: 'country', label: 'Country' },
  { value: 'stream', label: 'Stream' },
];

/** The breakdown that not every widget with breakdowns has. */
const BY_TAG: ComboboxOption<string> = {
  value: 'tag',
  label: 'Tag',
  description: 'A stream counts in each of its tags, so rows may add up to more than the whole',
};

const DIMENSION_OPTIONS: Array<ComboboxOption<string>> = DIMENSIONS.map((value) => ({
  value,
  label: DIMENSION_LABELS[value],
}));

const RECORD_OPTIONS: Array<ComboboxOption<string>> = RECORD_BREAKDOWNS.map((value) => ({
  value,
  label: {
    operator: 'Operator',
    player: 'Player',
    cdn: 'CDN',
    region: 'Region',
    referrer: 'Referrer',
    user: 'User',
    ip: 'Address',
    event: 'Event',
  }[value],
  description: 'Of the plays that ended in the range, from the store of plays',
}));

const INTERVALS: Array<ComboboxOption<string>> = ['1m', '5m', '10m', '1h', '6h', '1d'].map((value) => ({ value }));

const COMPARISONS: Array<ComboboxOption<string>> = [
  { value: 'previous', label: 'The time just before', description: 'Of the same length' },
  { value: 'day', label: 'The day before', description: 'The same hours, by the time zone' },
  { value: 'week', label: 'The week before', description: 'The same days and hours' },
  { value: 'month', label: 'The month before', description: 'The same dates; a month is compared with a whole one' },
];

/** The percentiles that are asked for most; any other from 1 to 99 may be typed. */
const PERCENTILES: Array<ComboboxOption<string>> = ['5', '50', '75', '90', '95', '99'].map((value) => ({ value }));

/** How many names are told apart; the rest is one more. */
const TOPS: Array<ComboboxOption<string>> = ['5', '10', '20', '100'].map((value) => ({ value }));

const PAGES: Array<ComboboxOption<string>> = ['1', '2', '3', '4', '5'].map((value) => ({ value }));

const TIME_ZONES: Array<ComboboxOption<string>> = [
  { value: 'UTC' },
  { value: '$__timezone', label: 'As the dashboard' },
  ...Intl.supportedValuesOf('timeZone')
    .filter((value) => value !== 'UTC')
    .map((value) => ({ value })),
];

/**
 * Edits one query: the widget first, then only what that widget has.
 *
 * A new query gets its widget and form at once, so that what is shown is what is asked and saved: a series, and in alert
 * rules a total, because there a series of a breakdown needs a reducer that knows its gaps.
 */
export function QueryEditor({ app, datasource, query, range, onChange, onRunQuery }: Props) {
  const widget = WIDGETS.find(({ type }) => type === query.queryType);
  const form = query.form ?? 'total';
  const liveId = useId();
  const hasNames = Boolean(query.breakdown) || widget?.columns.some(({ unit }) => unit === '');
  const variables = variableReferences().map((value) => ({ value, group: 'Variables' }));

  const run = (next: StreamlensQuery) => {
    onChange(next);
    onRunQuery();
  };
  const set = (change: Partial<StreamlensQuery>) => run({ ...query, ...change });
  /** As set, where columns come and go: a metric that goes with them is taken off. */
  const setColumns = (change: Partial<StreamlensQuery>) =>
    run(widget ? withWidget({ ...query, ...change }, widget) : { ...query, ...change });

  const isNew = !query.queryType;
  useEffect(() => {
    if (isNew) {
      run({ ...query, queryType: FIRST_WIDGET, form: app === CoreApp.UnifiedAlerting ? 'total' : 'series' });
    }
    // Once for each new query: it is no longer new then.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isNew]);

  return (
    <Stack direction="column" gap={2}>
      <Stack direction="row" gap={2} wrap="wrap" alignItems="flex-end">
        <ChoiceField
          label="Widget"
          value={query.queryType}
          options={app === CoreApp.UnifiedAlerting ? ALERT_OPTIONS : WIDGET_OPTIONS}
          placeholder="Choose a widget"
          width={40}
          onChange={(type) => {
            const chosen = WIDGETS.find((candidate) => candidate.type === type);
            if (chosen) {
              run(withWidget(query, chosen));
            }
          }}
        />
        {widget && !widget.list && (
          <Field noMargin label="Form">
            <RadioButtonGroup
              aria-label="Form"
              options={FORMS.filter(({ value }) => value !== 'trend' || widget.options.includes('compare'))}
              value={form}
              onChange={(value) =>
                // Without intervals there is nothing to compare with, so the backend refuses both in a total.
                set({
                  form: value,
                  ...(value !== 'series' && { mode: undefined, interval: undefined }),
                  ...(value === 'trend' && { compare: query.compare ?? COMPARISONS[0].value }),
                })
              }
            />
          </Field>
        )}
        {widget && !widget.list && (
          <Field noMargin label="Live" description="Updates by itself where the time range ends now">
            <Switch
              id={liveId}
              value={query.live ?? false}
              onChange={({ currentTarget: { checked } }) => set({ live: checked || undefined })}
            />
          </Field>
        )}
        {widget && isPremium(widget, query.metric) && (
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
                options={[...metricOptions(widget, query), ...variables]}
                placeholder={defaultMetric(widget)}
                custom
                onChange={(metric) => set({ metric })}
                onClear={() => set({ metric: undefined })}
              />
            )}
            {widget.options.includes('breakdown') && (
              <ChoiceField
                label="Breakdown"
                value={query.breakdown}
                options={[
                  ...BREAKDOWNS,
                  ...(hasTags(widget) ? [BY_TAG] : []),
                  ...(widget.options.includes('dimension') || widget.options.includes('where')
                    ? DIMENSION_OPTIONS
                    : []),
                  ...(widget.options.includes('where') ? RECORD_OPTIONS : []),
                  ...variables,
                ]}
                placeholder="None"
                custom
                onChange={(breakdown) => set({ breakdown })}
                onClear={() => set({ breakdown: undefined })}
              />
            )}
            {widget.options.includes('dimension') && (
              <ChoiceField
                label="Players by"
                value={query.dimension}
                options={[...DIMENSION_OPTIONS, ...variables]}
                placeholder={widget.type === 'playerHealth' ? DIMENSION_LABELS.version : 'All players'}
                custom
                // The values are those of the dimension.
                onChange={(dimension) => set({ dimension, values: undefined })}
                onClear={() => set({ dimension: undefined, values: undefined })}
              />
            )}
            {form === 'series' && widget.options.includes('mode') && (
              <ChoiceField
                label="Mode"
                value={query.mode ?? 'absolute'}
                options={[...MODES, ...variables]}
                custom
                // A difference to the interval before has no other comparison.
                onChange={(mode) => setColumns({ mode, ...(mode === 'delta' && { compare: undefined }) })}
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
            {widget.options.includes('percentile') && (
              <ChoiceField
                label="Percentile"
                value={query.percentile?.toString()}
                options={PERCENTILES}
                placeholder="None"
                custom
                onChange={(percentile) => setColumns({ percentile: Number(percentile) || undefined })}
                onClear={() => setColumns({ percentile: undefined })}
              />
            )}
            {widget.options.includes('compare') && query.mode !== 'delta' && (
              <ChoiceField
                label="Compare with"
                value={query.compare}
                options={[...COMPARISONS, ...variables]}
                placeholder="Nothing"
                custom
                onChange={(compare) => setColumns({ compare })}
                onClear={() => setColumns({ compare: undefined, ...(form === 'trend' && { form: 'total' }) })}
              />
            )}
            {hasNames && !widget.list && (
              <ChoiceField
                label="Top"
                value={query.top?.toString()}
                options={TOPS}
                placeholder="1,000"
                custom
                onChange={(top) => set({ top: Number(top) || undefined })}
                onClear={() => set({ top: undefined })}
              />
            )}
            {widget.options.includes('session') && (
              <TextField
                label="Session"
                value={query.session}
                placeholder="$session"
                onChange={(session) => set({ session })}
              />
            )}
            {widget.options.includes('sort') && (
              <ChoiceField
                label="Sort"
                value={query.sort}
                options={[...sortOptions(widget), ...variables]}
                placeholder="The last first"
                custom
                onChange={(sort) => set({ sort })}
                onClear={() => set({ sort: undefined })}
              />
            )}
            {widget.options.includes('page') && (
              <ChoiceField
                label="Page"
                value={query.page?.toString()}
                options={PAGES}
                placeholder="1"
                custom
                onChange={(page) => set({ page: Number(page) || undefined })}
                onClear={() => set({ page: undefined })}
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
            {widget.options.includes('where') && (
              <WhereField where={query.where} onChange={(where) => set({ where })} />
            )}
            <FilterFields datasource={datasource} names={widget.filters} filters={query} range={range} onChange={set} />
            {query.dimension && widget.options.includes('dimension') && (
              <DimensionField
                datasource={datasource}
                dimension={query.dimension}
                values={query.values}
                filters={query}
                range={range}
                onChange={(values) => set({ values })}
              />
            )}
          </Stack>
        </>
      )}
    </Stack>
  );
}

function metricOptions(widget: Widget, query: StreamlensQuery): Array<ComboboxOption<string>> {
  return metricsOf(widget, query).map((value) => ({
    value,
    label: widget.premiumMetrics.includes(value) ? `${value} (premium)` : value,
  }));
}

/** Every column, each the smallest and the greatest first. */
function sortOptions({ columns }: Widget): Array<ComboboxOption<string>> {
  return columns.flatMap(({ name }) => [
    { value: name, label: name },
    { value: `-${name}`, label: `${name}, the greatest first` },
  ]);
}

interface TextFieldProps {
  label: string;
  value: string | undefined;
  placeholder: string;
  onChange: (value: string | undefined) => void;
}

/** A labelled text, which is taken when one leaves it. */
function TextField({ label, value, placeholder, onChange }: TextFieldProps) {
  const id = useId();
  return (
    <Field noMargin label={label}>
      <Input
        id={id}
        key={value}
        width={24}
        defaultValue={value}
        placeholder={placeholder}
        onBlur={({ currentTarget }) => onChange(currentTarget.value || undefined)}
      />
    </Field>
  );
}

/** Conditions on the columns of plays. */
function WhereField({ where, onChange }: { where: string[] | undefined; onChange: (where?: string[]) => void }) {
  return (
    <Field
      noMargin
      label="Where"
      description="Such as user=alice, outcome!=played, bufferingRatio>=0.05; all must be met"
    >
      <TagsInput
        id={useId()}
        width={60}
        tags={where ?? []}
        placeholder="Condition, then Enter"
        onChange={(tags) => onChange(tags.length > 0 ? tags : undefined)}
      />
    </Field>
  );
}

/** What one gets without a metric: every column, or the first metric of a widget whose metrics are no columns. */
function defaultMetric({ metrics, columns }: Widget): string {
  return columns.some(({ name }) => metrics.includes(name)) ? 'All' : metrics[0];
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
