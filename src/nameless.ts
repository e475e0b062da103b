/** What the words for nothing are called where a panel has a place for a name; panels that show some columns alone must show this too. */
export const NAMELESS = ' ';
