import {
  type DataFrame,
  type DataQueryResponse,
  type Field,
  FieldType,
  MappingType,
  type TimeRange,
  toDataFrame,
  type ValueMapping,
} from '@grafana/data';

import { NAMELESS } from './nameless';
import { WIDGETS } from './widgets';

/** The words that the backend has for a frame of whose numbers none says anything; it puts them into the meta data. */
export function nothingOf({ meta }: Pick<DataFrame, 'meta'>): string | undefined {
  return meta?.custom?.nothing;
}

/**
 * Puts the words for nothing where a kind of panel shows them. Grafana itself shows "No data" for every reason.
 *
 * Beside frames that say something those that do not are left out. Other kinds of panels get what the backend sent. An error brings
 * none of the columns of its widget, which are known.
 */
export function showNothing(
  response: DataQueryResponse,
  panel?: string,
  range?: TimeRange,
  widget?: string
): DataQueryResponse {
  const frames = response.data as DataFrame[];
  const some = frames.filter((frame) => nothingOf(frame) === undefined);
  if (some.length === frames.length) {
    return response;
  }
  if (some.length > 0) {
    return { ...response, data: some };
  }
  const [{ refId, meta, fields: columns }] = frames;
  const known = columnsOf(widget);
  const answered = columns.filter(({ type }) => type === FieldType.number);
  const numbers =
    known.length > 0 && !answered.some(({ name }) => known.some((column) => column.name === name)) ? known : answered;
  const fields = fieldsFor(panel, nothingOf(frames[0])!, numbers, range);
  return fields ? { ...response, data: [toDataFrame({ refId, meta, fields })] } : response;
}

/** What a field of a column of numbers has without an answer. */
type NumberField = Pick<Field, 'name' | 'config'>;

function columnsOf(widget?: string): NumberField[] {
  const columns = WIDGETS.find(({ type }) => type === widget)?.columns ?? [];
  return columns
    .filter(({ unit }) => unit !== '')
    .map(({ name, unit }) => ({ name, config: unit === 'seconds' ? { unit: 'dthms' } : {} }));
}

/** Returns the fields in which a kind of panel shows the words, if it is known. Their names are no column's, so that they get nobody's looks. */
function fieldsFor(
  panel: string | undefined,
  words: string,
  numbers: NumberField[],
  range?: TimeRange
): Array<Partial<Field>> | undefined {
  const number = { name: 'nothing', type: FieldType.number, values: [null] };
  // The colour of text: every other one would mean something.
  const color = { mode: 'fixed', fixedColor: 'text' };
  switch (panel) {
    case 'stat':
    case 'gauge':
    case 'bargauge':
      // Of null Grafana would show a change of 0 %, of 0 it shows none.
      return [{ ...number, values: [0], config: { displayName: NAMELESS, color, mappings: [zeroAs(words)] } }];
    case 'table':
      return [{ name: 'nothing', type: FieldType.string, values: [words], config: { displayName: NAMELESS } }];
    case 'piechart':
      return [{ ...number, config: { displayName: words, color } }];
    case 'barchart':
      return [
        { name: ' ', type: FieldType.string, values: [words], config: {} },
        { ...number, config: { displayName: words, color } },
      ];
    case 'state-timeline':
    case 'status-history':
      return [
        {
          name: 'time',
          type: FieldType.time,
          values: [range?.from.valueOf() ?? 0, range?.to.valueOf() ?? 0],
          config: {},
        },
        { name: 'nothing', type: FieldType.string, values: [words, words], config: { displayName: NAMELESS, color } },
      ];
    case 'trend': {
      // Its axis is a column, which it must find: the last one, as of retention.
      const axis = numbers.at(-1);
      return axis === undefined
        ? undefined
        : [
            // Ten minutes, whose marks are no fractions.
            { name: axis.name, type: FieldType.number, values: [0, 600], config: axis.config },
            { ...number, values: [null, null], config: { displayName: words, color } },
          ];
    }
    case 'timeseries':
      // The legend has them.
      return [
        {
          name: 'time',
          type: FieldType.time,
          values: [range?.from.valueOf() ?? 0, range?.to.valueOf() ?? 0],
          config: {},
        },
        // A legend with sums would say 0.
        { ...number, values: [null, null], config: { displayName: words, color, mappings: [zeroAs('–')] } },
      ];
  }
  return undefined;
}

/** Shows a number that is 0 as a text. */
function zeroAs(text: string): ValueMapping {
  return { type: MappingType.ValueToText, options: { '0': { text, index: 0 } } };
}
