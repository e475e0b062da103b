import { useId } from 'react';

import type { TimeRange } from '@grafana/data';
import { type ComboboxOption, Field, Label, MultiCombobox } from '@grafana/ui';

import type { DataSource } from '../datasource';
import { FILTERS, valueText } from '../filters';
import type { FilterName, Filters } from '../query';
import { variableReferences } from '../variables';

interface Props {
  datasource: DataSource;
  /** Which filters there are. */
  names: FilterName[];
  filters: Filters;
  /** Where the values that are suggested were seen. */
  range?: TimeRange;
  onChange: (change: Filters) => void;
}

/** A list of values for each filter: suggested ones, variables, or typed ones; an empty list filters nothing. */
export function FilterFields({ datasource, names, filters, range, onChange }: Props) {
  const id = useId();

  const option = (name: FilterName, value: string) => ({ value, label: valueText(name, value) });

  const suggest = async (name: FilterName, typed: string): Promise<Array<ComboboxOption<string>>> => {
    const found = await datasource.findValues(name, filters, range);
    return [
      ...found.map(({ value }) => option(name, String(value))),
      ...variableReferences().map((value) => ({ value, label: value, group: 'Variables' })),
    ].filter(({ label }) => label.toLowerCase().includes(typed.toLowerCase()));
  };

  return names.map((name) => (
    <Field
      key={name}
      noMargin
      label={
        <Label description={FILTERS[name].description}>
          <span id={`${id}-${name}`}>{FILTERS[name].label}</span>
        </Label>
      }
    >
      <MultiCombobox
        aria-labelledby={`${id}-${name}`}
        value={filters[name]?.map((value) => option(name, value)) ?? []}
        options={(typed) => suggest(name, typed)}
        placeholder="All"
        width={32}
        isClearable
        createCustomValue
        onChange={(chosen) => onChange({ [name]: chosen.length > 0 ? chosen.map(({ value }) => value) : undefined })}
      />
    </Field>
  ));
}
