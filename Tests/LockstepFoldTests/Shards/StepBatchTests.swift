import LockstepFold
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct StepBatchTests {
  @Test func shardsTileTheBatchInOrder() {
    for count in [0, 1, 3, 7, 8, 9, 31, 64, 100] {
      for shards in [1, 2, 8, 16] {
        for microBatches in [1, 2, 3] {
          let batch = StepBatch(
            step: 0, epoch: 0, examples: Array(100..<100 + count)[...], shards: shards,
            microBatches: microBatches)
          let whole = (0..<shards).map { batch.positions(ofShard: $0) }
          #expect(whole.flatMap(Array.init) == Array(0..<count))
          #expect(whole.map(\.count).max()! - whole.map(\.count).min()! <= 1)
          for (shard, positions) in whole.enumerated() {
            let parts = (0..<microBatches).map {
              batch.positions(ofShard: shard, microBatch: $0)
            }
            #expect(parts.flatMap(Array.init) == Array(positions))
          }
        }
      }
    }
  }

  @Test func examplesAreFoundInASliceOfAnEpoch() {
    let epoch = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    let batch = StepBatch(step: 1, epoch: 0, examples: epoch[4..<9], shards: 2)
    #expect(Array(batch.examples(at: batch.positions(ofShard: 0))) == [5, 4])
    #expect(Array(batch.examples(at: batch.positions(ofShard: 1))) == [3, 2, 1])
  }
}
