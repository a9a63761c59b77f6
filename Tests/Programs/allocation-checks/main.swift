import LockstepObservation
import LockstepFold
import CAllocationCount
import LockstepDatasets
import LockstepDistributed
import LockstepEngine
import LockstepMPI
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// Takes steps of a small model as `key=value` arguments say; rank 0 prints, for each rank, how many heap
// allocations of our own code 100 steps in the steady state made and by how many kilobytes the
// process grew over all the steps after the first thousand:
//
//     case 0 rank 0: own 0 other 3400 grown 0 kB
//
// Several lists of arguments, between which the word `then` stands, are taken one after the other.

/// What a case's arguments say.
typealias Settings = [String: String]

let cases = CommandLine.arguments.dropFirst()
  .split(separator: "then", omittingEmptySubsequences: false).map { arguments in
    Settings(
      arguments.map { argument -> (String, String) in
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        return (parts[0], parts.count > 1 ? parts[1] : "")
      }, uniquingKeysWith: { $1 })
  }

/// The process's memory in kilobytes.
func residentKilobytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var (size, resident) = (0, 0)
  withUnsafeMutablePointer(to: &size) { size in
    withUnsafeMutablePointer(to: &resident) { resident in
      _ = withVaList([size, resident]) { vfscanf(file, "%ld %ld", $0) }
    }
  }
  return resident * Int(sysconf(Int32(_SC_PAGESIZE))) / 1024
}

func check(_ settings: Settings, number: Int, on group: MPICollective) throws {
  let steps = Int(settings["steps"] ?? "") ?? 300
  let threads = Int(settings["threads"] ?? "") ?? 1
  let isSharded = settings["update"] == "sharded"
  let (ownBefore, otherBefore) = (lockstep_own_allocations(), lockstep_other_allocations())
  let dataset = try SmallModel.dataset(count: 1024)
  let source = try ModelSource(
    dataset: dataset, seed: 9, threads: threads,
    trace: SmallModel(rawValue: settings["model"] ?? "perceptron")!.trace)
  source.memory.initialize(seed: 4)
  source.augmentation = try Augmentation([RandomShift(pixels: 2), RandomFlip()], for: dataset)
  source.preparesAhead = settings["inputs"] == "ahead"
  let shards = 8
  let plan = try FoldPlan(shards: shards, of: source, on: group)
  let layout = source.memory.trainableLayout
  let rule = try UpdateRule(
    layout: layout, chain: Chain(ClipByGlobalNorm(0.5)) + .adam(learningRate: 0.001),
    constraints: layout.slots.map { $0.shape.count > 1 ? .maxNorm(1) : nil },
    owning: isSharded ? plan.gradientBlocks(ofRank: group.rank) : nil)
  let step = try TrainingStep(
    source: source, update: rule,
    shards: shards, on: group)
  if settings["profile"] != nil {
    let timeline = try Timeline(threads: threads)
    group.page?.timeline = timeline
    source.timeline = timeline
  }
  // Batches of one size, so that the steady state comes soon: an epoch has 32 of them or more.
  let batchSize = Int(settings["batch"] ?? "") ?? 32
  let sampler = try Sampler(count: 1024, batchSize: batchSize, seed: 3)
  func batch(_ step: Int) throws -> StepBatch {
    StepBatch(
      step: step, epoch: sampler.epoch, examples: try sampler.batch(), shards: shards)
  }
  func takeStep() throws {
    let current = try batch(step.completed)
    source.anticipate {
      let next = sampler.next()
      return StepBatch(
        step: step.completed + 1, epoch: next.epoch, examples: next.examples, shards: shards)
    }
    _ = try step.run(current)
    sampler.advance()
  }
  for _ in 0..<100 { try takeStep() }
  // Orders of epochs are made anew, once an epoch.
  while sampler.batchInEpoch != 1 { try takeStep() }
  var counted = 0
  while counted < 100 {
    let isInside = (1...28).contains(sampler.batchInEpoch)
    lockstep_count_allocations(isInside ? 1 : 0)
    try takeStep()
    lockstep_count_allocations(0)
    guard isInside else { continue }
    counted += 1
    guard step.exchange.usesSufficientFactors == (settings["factors"] != nil) else {
      fatalError("factors are \(step.exchange.usesSufficientFactors ? "" : "not ")used")
    }
  }
  var before = residentKilobytes()
  while step.completed < steps {
    try takeStep()
    if step.completed == 1000 { before = residentKilobytes() }
  }
  let grown = residentKilobytes() - before
  let own = lockstep_own_allocations() - ownBefore
  if own > 0 { lockstep_print_own_allocations() }
  // One rank prints: a launcher may put what several print together as it likes.
  let figures = try group.communicator.allgatherArrays(
    [Int(own), Int(lockstep_other_allocations() - otherBefore), grown])
  guard group.isRoot else { return }
  for (rank, figures) in figures.enumerated() {
    print(
      "case \(number) rank \(rank): own \(figures[0]) other \(figures[1]) grown \(figures[2]) kB")
  }
}

exit(
  MPISession.run { world -> Int32 in
    for (number, settings) in cases.enumerated() {
      let path: ExchangePath = settings["path"] == "messages" ? .messages : .automatic
      // A watchdog looks on its own thread, and what it allocates is no step's.
      let group =
        try settings["nodes"].flatMap { Int($0) }.map { nodes in
          try MPICollective(world, path: path, patience: nil, nodeOf: { $0 % nodes })
        } ?? MPICollective(world, path: path, patience: nil)
      if let bytes = settings["bucket"].flatMap({ Int($0) }) { group.bucketBytes = bytes }
      try check(settings, number: number, on: group)
    }
    return 0
  })
