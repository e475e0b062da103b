import countries from './countries.json';

/** A country or territory of ISO 3166-1, and Kosovo (XK), which address databases know too. */
export interface Country {
  /** ISO 3166-1 alpha-2. */
  code: string;
  /** Two letters, the key of REGIONS. */
  region: string;
  /** Degrees east and north of where its marker stands. */
  position: [longitude: number, latitude: number];
  /** In English. */
  name: string;
}

/** A continent; the country table's codes for them are kept. */
export interface Region {
  code: string;
  name: string;
  /** Degrees east and north of where its marker stands. */
  position: [longitude: number, latitude: number];
}

type Line = [
  alpha2: string,
  alpha3: string,
  region: string,
  longitude: number,
  latitude: number,
  name: string,
  ...otherNames: string[],
];

const LINES = countries as unknown as Line[];

/** The code of addresses whose country nobody knows: it has no place on the map. */
export const NOWHERE = 'ZZ';

/** All countries, by alpha-2 code. */
export const COUNTRIES: ReadonlyMap<string, Country> = new Map(
  LINES.map(([code, , region, longitude, latitude, name]) => [
    code,
    { code, region, position: [longitude, latitude], name },
  ])
);

/** All regions, by code. */
export const REGIONS: ReadonlyMap<string, Region> = new Map(
  (
    [
      ['AF', 'Africa', 20, 4],
      ['AN', 'Antarctica', -57, -63.4],
      ['AS', 'Asia', 88, 38],
      ['EU', 'Europe', 18, 50],
      ['NA', 'North America', -100, 44],
      ['OC', 'Oceania', 135, -25],
      ['SA', 'South America', -59, -13],
    ] as Array<[string, string, number, number]>
  ).map(([code, name, longitude, latitude]) => [code, { code, name, position: [longitude, latitude] }])
);

const codeOfText = new Map(
  LINES.flatMap(([code, alpha3, , , , ...names]) => [code, alpha3, ...names].map((text) => [plain(text), code]))
);
codeOfText.set(plain(NOWHERE), NOWHERE);

/** By the words of a name, in whatever order: "Korea, Republic of" is "Republic of Korea". Made when a text is not found otherwise. */
let codeOfWords: Map<string, string> | undefined;

/** Returns the alpha-2 code for an alpha-2 or alpha-3 code or an English name, NOWHERE for ZZ, or undefined. */
export function findCode(text: string): string | undefined {
  const code = codeOfText.get(plain(text));
  if (code) {
    return code;
  }
  codeOfWords ??= new Map(LINES.flatMap(([of, , , , , ...names]) => names.map((name) => [words(name), of])));
  return codeOfWords.get(words(text));
}

/** Makes a function that names countries in a language (BCP 47), or in English if the browser does not know it. */
export function countryNamer(language: string): (code: string) => string {
  const names = displayNames(language);
  return (code) => names?.of(code) ?? COUNTRIES.get(code)?.name ?? code;
}

/** Without accents, punctuation, case and articles, in which spellings of a name differ. */
function plain(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/&/g, ' and ')
    .replace(/\bst\b/g, 'saint')
    .replace(/\bthe\b/g, ' ')
    .replace(/[^\p{L}\p{N}]/gu, '');
}

/** Words that names are told apart by; the others come and go. */
const FILLERS = new Set(['the', 'of', 'and', 'part']);

/** Short forms, as statistics have them, and what they are short for. */
const SHORT_FORMS: Record<string, string> = {
  dem: 'democratic',
  fed: 'federated',
  is: 'islands',
  isl: 'islands',
  rep: 'republic',
  st: 'saint',
  sts: 'states',
};

/** The words of a name in the order of the alphabet, without accents, punctuation, case and fillers. */
function words(text: string): string {
  const all = text
    .normalize('NFD')
    .replace(/\p{M}|['’.]/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => SHORT_FORMS[word] ?? word)
    .filter((word) => word && !FILLERS.has(word));
  return [...new Set(all)].sort().join(' ');
}

function displayNames(language: string): Intl.DisplayNames | undefined {
  try {
    return new Intl.DisplayNames([language], { type: 'region', fallback: 'none' });
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}
