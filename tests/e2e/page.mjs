// A browser with one page, for tests that look at what people see.
import fs from 'node:fs';
import { chromium } from 'playwright-core';

const program = '/usr/bin/chromium';

/** Why there is no browser here, or false: the value of a test's `skip`. */
export const browserMissing = !fs.existsSync(program) && 'chromium is not installed';

/** Gives `look` a page that is patient and in English; closes the browser afterwards. */
export async function withPage(look) {
  const browser = await chromium.launch({
    executablePath: program, timeout: 120_000,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
  try {
    const page = await browser.newPage({ locale: 'en-US' });
    page.setDefaultTimeout(120_000);
    await look(page);
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });
  } finally {
    await browser.close();
  }
}
