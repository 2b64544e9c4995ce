import { DroverError } from '@drover/core'
import { describe, expect, it } from 'vitest'
import { answerCode, redisError } from './redis-error.js'

function answer(message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' }, more)
}

function system(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

describe('what a server answers', () => {
  it.each<[string, string, boolean]>([
    ['WRONGPASS invalid username-password pair or user is disabled.', 'STORE_DENIED', false],
    ['NOAUTH Authentication required.', 'STORE_DENIED', false],
    ["NOPERM User reader has no permissions to run the 'set' command", 'STORE_DENIED', false],
    ['DENIED Redis is running in protected mode because protected mode is enabled', 'STORE_DENIED', false],
    ['LOADING Redis is loading the dataset in memory', 'STORE_UNAVAILABLE', true],
    ['MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to "no".', 'STORE_UNAVAILABLE', true],
    ["READONLY You can't write against a read only replica.", 'STORE_UNAVAILABLE', true],
    ['CLUSTERDOWN The cluster is down', 'STORE_UNAVAILABLE', true],
    ['NOREPLICAS Not enough good replicas to write.', 'STORE_UNAVAILABLE', true],
    ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', 'STORE_BUSY', true],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'STORE_BUSY', true],
    ['ERR max number of clients reached', 'STORE_BUSY', true],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'STORE_FULL', false],
    ['MISCONF Redis is configured to save RDB snapshots', 'STORE_UNAVAILABLE', false],
    ['MOVED 3999 127.0.0.1:6381', 'OPTION_INVALID', false],
    ['ASK 3999 127.0.0.1:6381', 'OPTION_INVALID', false],
    ["CROSSSLOT Keys in request don't hash to the same slot", 'OPTION_INVALID', false],
    ['ERR SELECT is not allowed in cluster mode', 'OPTION_INVALID', false],
    ['ERR DB index is out of range', 'OPTION_INVALID', false],
    ['ERR This instance has cluster support disabled', 'OPTION_INVALID', false],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'RECORD_REFUSED', false],
    ['Existing key has wrong Redis type', 'RECORD_REFUSED', false],
    ['ERR string exceeds maximum allowed size (proto-max-bulk-len)', 'RECORD_REFUSED', false],
    ["ERR unknown command 'JSON.GET', with args beginning with: 'a' ", 'UNEXPECTED', false],
    ["ERR unknown command 'sentinel', with args beginning with: 'get-master-addr-by-name' ", 'OPTION_INVALID', false],
    ['ERR Unknown Redis command called from script script: 0a, on @user_script:1.', 'UNEXPECTED', false],
    ["ERR The user executing the script can't run this command or subcommand script: 0a", 'STORE_DENIED', false],
    [
      "ERR ACL failure in script: User app has no permissions to run the 'rpush' command script: 0a",
      'STORE_DENIED',
      false,
    ],
    ['ERR something new', 'UNEXPECTED', false],
  ])('%s is %s', (message, code, isRetryable) => {
    const error = redisError(answer(message), 'reading key "a" on cache.example.org:6379')
    expect(error).toMatchObject({ code, isRetryable })
    expect(error.message).toMatch(/^Redis failed while reading key "a" on cache\.example\.org:6379: .*\.$/)
    expect(error.message).not.toContain('..')
  })

  it('from within a script is what the command of the script said', () => {
    const old = answer(
      "ERR Error running script (call to f_0a): @user_script:3: @user_script: 3: -OOM command not allowed when used memory > 'maxmemory'.",
    )
    expect(redisError(old, 'writing')).toMatchObject({ code: 'STORE_FULL' })
    expect(
      answerCode(answer("READONLY You can't write against a read only replica. script: 0a, on @user_script:1.")),
    ).toBe('READONLY')
  })

  it('to a command that another node should have got, is no mistake where the cluster is known', () => {
    expect(redisError(answer('MOVED 3999 127.0.0.1:6381'), 'writing', { isCluster: true })).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: true,
    })
  })

  it('says how long a server asks to wait that still loads', () => {
    expect(redisError(answer('LOADING Redis is loading the dataset in memory'), 'reading')).toMatchObject({
      retryAfterMs: 1000,
    })
  })

  it('is shown, and kept, without the arguments of the command', () => {
    const unknown = answer("ERR unknown command 'AUTH', with args beginning with: 'app' 'secret' ", {
      command: { name: 'auth', args: ['app', 'secret'] },
    })
    const error = redisError(unknown, 'connecting to cache.example.org:6379')
    expect(error.message).not.toContain('secret')
    expect(error.cause).toMatchObject({ command: { name: 'auth' } })
    expect(JSON.stringify(error.cause)).not.toContain('secret')
  })
})

describe('a failure on the way', () => {
  it.each<[Error, string, boolean]>([
    [system('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:6379'), 'STORE_UNAVAILABLE', true],
    [
      Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:6379')]), { code: 'ECONNREFUSED' }),
      'STORE_UNAVAILABLE',
      true,
    ],
    [system('ENOTFOUND', 'getaddrinfo ENOTFOUND nowhere'), 'STORE_UNAVAILABLE', false],
    [system('ETIMEDOUT', 'connect ETIMEDOUT'), 'STORE_UNAVAILABLE', true],
    [system('ECONNRESET', 'read ECONNRESET'), 'STORE_UNAVAILABLE', true],
    [system('EPROTO', 'wrong version number'), 'OPTION_INVALID', false],
    [system('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'), 'STORE_DENIED', false],
    [new Error('Connection is closed.'), 'STORE_UNAVAILABLE', true],
    [new Error('Command timed out'), 'STORE_UNAVAILABLE', true],
    [
      new Error(
        'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
      ),
      'STORE_UNAVAILABLE',
      true,
    ],
    [new Error("Stream isn't writeable and enableOfflineQueue options is false"), 'STORE_UNAVAILABLE', true],
    [new Error('Unknown RESP type 72 "H". Please report this.'), 'OPTION_INVALID', false],
    [new Error('Protocol error, got "H" as reply type byte'), 'OPTION_INVALID', false],
    [new TypeError('undefined is not a function'), 'UNEXPECTED', false],
  ])('%s is %s', (given, code, isRetryable) => {
    const error = redisError(given, 'reading')
    expect(error).toMatchObject({ code, isRetryable })
    expect(error.message).not.toMatch(/maxRetriesPerRequest|enableOfflineQueue|: \. /)
  })

  it('to a server that was never reached is not tried again: it is more likely mistyped', () => {
    for (const code of ['ECONNREFUSED', 'EHOSTUNREACH', 'ENOENT']) {
      expect(redisError(system(code, 'connect'), 'connecting', { isFirst: true })).toMatchObject({ isRetryable: false })
    }
  })

  it('that is one of ours already stays as it is', () => {
    const error = new DroverError('FENCED', 'Another process claimed it.')
    expect(redisError(error, 'writing')).toBe(error)
  })
})
