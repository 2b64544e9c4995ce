/** A request that is answered with an error. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** 400. The prefix is the real server's, `StorageError::BadInput`. */
export function wrongInput(what: string): Refusal {
  return new Refusal(400, `Wrong input: ${what}`)
}

/** 400: the body is JSON of another form. */
export function badBody(what: string): Refusal {
  return new Refusal(400, `Format error in JSON body: ${what}`)
}

/** 422: the body has the form, but a value is out of bounds. */
export function invalidBody(what: string): Refusal {
  return new Refusal(422, `Validation error in JSON body: [${what}]`)
}

export function noCollection(name: string): Refusal {
  return new Refusal(404, `Not found: Collection \`${name}\` doesn't exist!`)
}
