import { css } from '@emotion/css';
import { memo, useMemo } from 'react';

import { partsOf } from '../parts';
import type { RankedRow } from '../rows';
import { useLater } from './useLater';

interface Props extends Writers {
  caption: string;
  /** What the rows are: "Country" or "Region". */
  what: string;
  rows: RankedRow[];
}

/** What writes the cells. */
interface Writers {
  nameOf: (code: string) => string;
  textOf: (value: number | null) => string;
  shareText: (share: number) => string;
}

/**
 * Everything that the map shows as a table, for screen readers only. It is for those who do not see the map, which need not wait for
 * it: its rows are written by and by, some in each frame.
 */
export const DataTable = memo(function DataTable({ caption, what, rows, nameOf, textOf, shareText }: Props) {
  const parts = useMemo(
    () => partsOf(rows).map((part) => ({ rows: part, writers: { nameOf, textOf, shareText } })),
    [rows, nameOf, textOf, shareText]
  );
  return (
    <table className={hidden}>
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Rank</th>
          <th scope="col">{what}</th>
          <th scope="col">Value</th>
          <th scope="col">Plays</th>
          <th scope="col">Share</th>
        </tr>
      </thead>
      <tbody>
        {parts.map((part, i) => (
          <Rows key={i} part={part} frames={i + 1} />
        ))}
      </tbody>
    </table>
  );
});

interface RowsProps {
  part: { rows: RankedRow[]; writers: Writers };
  frames: number;
}

const Rows = memo(function Rows({ part, frames }: RowsProps) {
  const { rows, writers } = useLater(part, frames) ?? { rows: [], writers: part.writers };
  return (
    <>
      {rows.map(({ code, rank, value, plays, share }, i) => (
        // By place, not by country: where only texts change, nothing is laid out anew but these.
        <tr key={i}>
          <td>{rank}</td>
          <th scope="row">{writers.nameOf(code)}</th>
          <td>{writers.textOf(value)}</td>
          <td>{plays}</td>
          <td>{share === undefined ? '' : writers.shareText(share)}</td>
        </tr>
      ))}
    </>
  );
});

const hidden = css({
  position: 'absolute',
  width: 1,
  height: 1,
  overflow: 'hidden',
  clipPath: 'inset(50%)',
  tableLayout: 'fixed',
  whiteSpace: 'nowrap',
});
