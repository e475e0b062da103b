import { useId } from 'react';

import type { QueryEditorProps } from '@grafana/data';
import { Combobox, type ComboboxOption, Field, Stack } from '@grafana/ui';

import { FILTERS } from '../filters';
import type { StreamlensOptions } from '../options';
import {
  DIMENSION_LABELS,
  DIMENSIONS,
  FILTER_NAMES,
  type StreamlensQuery,
  type ValuesOf,
  type VariableQuery,
} from '../query';
import type { ValuesDataSource } from '../values';
import { FilterFields } from './FilterFields';

type Props = QueryEditorProps<ValuesDataSource, StreamlensQuery, StreamlensOptions, VariableQuery>;

const LABELS: Array<ComboboxOption<ValuesOf>> = [
  ...FILTER_NAMES.map((value) => ({ value, label: FILTERS[value].label })),
  ...DIMENSIONS.map((value) => ({ value, label: DIMENSION_LABELS[value] })),
  { value: 'unit', label: 'Units of usage' },
];

/** Edits what a dashboard variable is filled with. */
export function VariableEditor({ datasource, query, range, onChange }: Props) {
  const id = useId();

  return (
    <Stack direction="column" gap={2}>
      <Field
        noMargin
        label="Values of"
        description="Those seen in the time range, the ones with the most traffic first; tags by name"
      >
        <Combobox
          id={id}
          width={32}
          options={LABELS}
          value={query.label}
          onChange={({ value }) => onChange({ ...query, label: value, [value]: undefined })}
        />
      </Field>
      {query.label !== 'tag' && (
        <Stack direction="row" gap={2} wrap="wrap">
          <FilterFields
            datasource={datasource}
            names={FILTER_NAMES.filter((name) => name !== query.label && name !== 'referrer')}
            filters={query}
            range={range}
            onChange={(change) => onChange({ ...query, ...change })}
          />
        </Stack>
      )}
    </Stack>
  );
}
