import { useId } from 'react';

import type { TimeRange } from '@grafana/data';
import { type ComboboxOption, Field, Label, MultiCombobox } from '@grafana/ui';

import { FILTERS, valueText } from '../filters';
import { DIMENSION_LABELS, DIMENSIONS, type FilterName, type Filters } from '../query';
import type { ValueFinder } from '../values';
import { variableReferences } from '../variables';

interface Props {
  datasource: ValueFinder;
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

interface DimensionProps extends Pick<Props, 'datasource' | 'filters' | 'range'> {
  /** One of the dimensions, or a variable that stands for one. */
  dimension: string;
  values: string[] | undefined;
  onChange: (values: string[] | undefined) => void;
}

/** A list of values of what players watch with. */
export function DimensionField({ datasource, dimension, values, filters, range, onChange }: DimensionProps) {
  const id = useId();
  const known = DIMENSIONS.find((name) => name === dimension);

  const suggest = async (typed: string): Promise<Array<ComboboxOption<string>>> => {
    // Values are found by streams or tags alone: countries beside them and events are not stored so.
    const found = known ? await datasource.findValues(known, { stream: filters.stream, tag: filters.tag }, range) : [];
    return [...found.map(({ value }) => String(value)), ...variableReferences()]
      .filter((value) => value.toLowerCase().includes(typed.toLowerCase()))
      .map((value) => ({ value, label: value }));
  };

  return (
    <Field
      noMargin
      label={
        <Label description="Any of them">
          <span id={id}>{known ? DIMENSION_LABELS[known] : 'Values'}</span>
        </Label>
      }
    >
      <MultiCombobox
        aria-labelledby={id}
        value={values ?? []}
        options={suggest}
        placeholder="All"
        width={32}
        isClearable
        createCustomValue
        onChange={(chosen) => onChange(chosen.length > 0 ? chosen.map(({ value }) => value) : undefined)}
      />
    </Field>
  );
}
