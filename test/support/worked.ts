/** How long this thread has worked, in milliseconds: what it takes to do something, whatever other processes do meanwhile. */
export function workedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
