import type { Detector } from '../../detect/detector.js'

/** Finds the layouts that a store of this type holds. */
export const detectRedis: Detector = async () => []
