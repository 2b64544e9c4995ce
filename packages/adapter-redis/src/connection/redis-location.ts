import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis'

/** Where the keys are. */
export interface RedisLocation {
  /**
   * `redis://user:password@host:port/database` (`rediss://` is TLS), options of ioredis (TLS, ACL user, `sentinels` with `name`), nodes of a
   * cluster, or a client or cluster of the application. Of a client Drover takes the settings and makes connections of its own, which
   * it closes; the client is not used and stays open: who creates a client closes it.
   *
   * @default the variable REDIS_URL
   */
  readonly connection?: string | RedisOptions | RedisClusterNodes | Redis | Cluster | undefined
}

/** Nodes of a cluster to begin with; the others are found. */
export interface RedisClusterNodes {
  readonly cluster: readonly (string | { readonly host: string; readonly port: number })[]
  /** Options of ioredis' `Cluster`, such as `natMap` and `redisOptions` with `tls`, `username` and `password`. */
  readonly options?: ClusterOptions
}

export const locationOptions = ['connection'] as const
