/** Keeps the library's errors from the page. */
export interface Guard {
  /** Runs an action; what it throws becomes a warning. */
  safely: (action: () => void) => void;
  /** Shows the first of all warnings on the console. */
  warn: (message: unknown) => void;
}

/** Returns a guard for one observation, which warns once. */
export function createGuard(): Guard {
  let warned = false;
  const warn = (message: unknown) => {
    if (!warned) {
      console.warn('Streamlens beacon:', message);
    }
    warned = true;
  };
  return {
    warn,
    safely: (action) => {
      try {
        action();
      } catch (error) {
        warn(error);
      }
    },
  };
}

/** Returns what a question to a player answers, or undefined if it throws: players do, before they are ready and after. */
export function ask<T>(question: () => T): T | undefined {
  try {
    return question();
  } catch {
    return undefined;
  }
}
