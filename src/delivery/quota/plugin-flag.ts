/** A `plugin {}` setting that is yes or no: anything is yes but what begins like no, false or 0, and nothing at all. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && !/^[nf0]/i.test(value)
}
