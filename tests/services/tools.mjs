// Tools that tools.sh fetches: a test that needs one which cannot be had is skipped by name.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { root } from '../e2e/florin.mjs';

/** Why `tool` cannot be had here, or false: the value of a test's `skip`. */
export function toolMissing(tool) {
  try {
    execFileSync(path.join(root, 'tests/services/tools.sh'), [tool], { stdio: 'pipe' });
    return false;
  } catch (error) {
    return String(error.stderr).trim() || `${tool} cannot be had here`;
  }
}
