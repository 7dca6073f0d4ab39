/** Local time as `YYYY-MM-DD HH:MM:SS`, for `Temporary authentication failure. [host:time]`. */
export function authTimestamp(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
  return `${day} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`
}

/** The text every protocol uses when a database is down. */
export function temporaryFailure(hostname: string, now: Date): string {
  return `Temporary authentication failure. [${hostname}:${authTimestamp(now)}]`
}
