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

/** The words that the backend has for a frame of whose numbers none says anything; it puts them into the meta data. */
export function nothingOf({ meta }: Pick<DataFrame, 'meta'>): string | undefined {
  return meta?.custom?.nothing;
}

/**
 * Puts the words for nothing where a kind of panel shows them. Grafana itself shows "No data" for every reason.
 *
 * Beside frames that say something those that do not are left out. Other kinds of panels get what the backend sent.
 */
export function showNothing(response: DataQueryResponse, panel?: string, range?: TimeRange): DataQueryResponse {
  const frames = response.data as DataFrame[];
  const some = frames.filter((frame) => nothingOf(frame) === undefined);
  if (some.length === frames.length) {
    return response;
  }
  if (some.length > 0) {
    return { ...response, data: some };
  }
  const [{ refId, meta }] = frames;
  const fields = fieldsFor(panel, nothingOf(frames[0])!, range);
  return fields ? { ...response, data: [toDataFrame({ refId, meta, fields })] } : response;
}

/** Returns the fields in which a kind of panel shows the words, if it is known. Their names are no column's, so that they get nobody's looks. */
function fieldsFor(panel: string | undefined, words: string, range?: TimeRange): Array<Partial<Field>> | undefined {
  const number = { name: 'nothing', type: FieldType.number, values: [null] };
  // The colour of text: every other one would mean something.
  const color = { mode: 'fixed', fixedColor: 'text' };
  switch (panel) {
    case 'stat':
    case 'gauge':
    case 'bargauge':
      return [{ ...number, config: { noValue: words, displayName: ' ', color, mappings: [zeroAs(words)] } }];
    case 'table':
      return [{ name: 'nothing', type: FieldType.string, values: [words], config: { displayName: ' ' } }];
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
        { name: 'time', type: FieldType.time, values: [range?.from.valueOf() ?? 0, range?.to.valueOf() ?? 0], config: {} },
        { name: 'nothing', type: FieldType.string, values: [words, words], config: { displayName: ' ', color } },
      ];
    case 'timeseries':
      // The legend has them.
      return [
        {
          name: 'time',
          type: FieldType.time,
          values: [range?.from.valueOf() ?? 0, range?.to.valueOf() ?? 0],
          config: {},
        },
        { ...number, values: [null, null], config: { displayName: words, color } },
      ];
  }
  return undefined;
}

/** Some panels add up what they show, and make 0 of nothing. */
function zeroAs(text: string): ValueMapping {
  return { type: MappingType.ValueToText, options: { '0': { text, index: 0 } } };
}
