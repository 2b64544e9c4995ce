export { failure, TestLane } from '@drover-internal/sql-tests/lane'
