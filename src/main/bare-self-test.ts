import { bareSelfTest } from '../net/bare/self-test.ts'

/** The entry of a process that tries bare sockets: it ends with 0 when all that is relied upon holds. */
bareSelfTest().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(error instanceof Error ? error.message : String(error), () => process.exit(1))
  },
)
