// The time of day as a test sets it for one process: a small library stands before the system's and adds to what it says.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { programOf } from './server.mjs';

const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
static volatile const int *seconds;
static int (*really)(clockid_t, struct timespec *);
__attribute__((constructor)) static void open_clock(void) {
  really = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  const int file = open(getenv("CLOCK_SHIFT"), O_RDONLY);
  void *const here = mmap(0, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
  if (here != MAP_FAILED) seconds = here;
}
int clock_gettime(clockid_t clock, struct timespec *at) {
  if (!really) really = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  const int failed = really(clock, at);
  if (!failed && clock == CLOCK_REALTIME && seconds) at->tv_sec += *seconds;
  return failed;
}
`;

/** Why no clock can be made here, or false: the value of a test's `skip`. */
export const clockMissing = () => (programOf('clang-19') ? false : 'clang-19 is not installed here (scripts/setup.sh)');

export class Clock {
  /** Keeps its files in `folder`. */
  constructor(folder) {
    this.file = path.join(folder, 'clock.shift');
    const library = path.join(folder, 'clock.so');
    execFileSync(programOf('clang-19'), ['-shared', '-fPIC', '-O1', '-x', 'c', '-', '-o', library, '-ldl'], { input: source });
    this.shift(0);
    this.environment = { LD_PRELOAD: library, CLOCK_SHIFT: this.file }; // of a process that goes by it
  }

  /** From now on the clock is so far off. In one write: a process may look at any time. */
  shift(seconds) {
    const number = Buffer.alloc(4);
    number.writeInt32LE(seconds);
    const file = fs.openSync(this.file, fs.constants.O_CREAT | fs.constants.O_WRONLY);
    fs.writeSync(file, number);
    fs.closeSync(file);
  }
}
