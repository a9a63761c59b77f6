import LockstepCollective
import LockstepObservation
import LockstepFold
import LockstepDatasets
import LockstepDistributed
import LockstepEngine
import LockstepFiles
import LockstepMPI
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// Trains a small model as `key=value` arguments say, on the ranks that mpirun started, and prints
// `fingerprint <hex>`. With several `rule=` arguments there are as many trainings, one after the
// other; so there are with several lists of arguments, between which the word `then` stands.

/// What the arguments say.
struct Settings {
  var values: [String: String] = [:]
  var rules: [String] = []

  init(_ arguments: [String]) {
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { fatalError("not key=value: \(argument)") }
      if parts[0] == "rule" { rules.append(parts[1]) } else { values[parts[0]] = parts[1] }
    }
    if rules.isEmpty { rules = ["adam"] }
  }

  subscript(key: String) -> String? { values[key] }
  func number(_ key: String) -> Int? { values[key].flatMap { Int($0) } }
}

func source(_ settings: Settings, rank: Int) throws -> (any GradientSource, examples: Int) {
  let name = settings["model"] ?? "wide"
  guard let model = SmallModel(rawValue: name) else { return (WideSource(), 42) }
  let dataset = try SmallModel.dataset(count: 101)
  let source = try ModelSource(
    dataset: dataset, seed: 9,
    options: PlanOptions(
      precision: settings["precision"].flatMap { Precision(rawValue: $0) } ?? .float32),
    threads: settings.number("threads") ?? 1, trace: model.trace)
  source.memory.initialize(seed: 4)
  if settings["augment"] != nil {
    source.augmentation = try Augmentation(
      [RandomShift(pixels: 2), RandomFlip()], for: dataset)
  }
  return (source, 101)
}

func train(_ rule: String, _ settings: Settings, on group: MPICollective) throws -> Outcome {
  let (source, examples) = try source(settings, rank: group.rank)
  let isSharded = settings["update"] == "sharded"
  let shards = settings.number("shards") ?? 8
  let plan = try FoldPlan(shards: shards, of: source, on: group)
  let layout = FlatLayout(
    plan.layout.slots[..<plan.gradientSlotCount].map { ($0.name, $0.shape) })
  let bound = try UpdateRule(
    layout: layout, chain: RuleCases.all.first { $0.name == rule }!.chain,
    constraints: source is WideSource
      ? WideSource.constraints : layout.slots.map { $0.shape.count > 1 ? .maxNorm(1) : nil },
    owning: isSharded ? plan.gradientBlocks(ofRank: group.rank) : nil)
  let step = try TrainingStep(
    source: source, update: bound,
    shards: shards, wire: settings.number("bf16Level").map { .bfloat16(level: $0) } ?? .float32,
    on: group)
  var options = TrainerOptions(epochs: settings.number("epochs") ?? 2)
  options.checkpointEverySteps = settings.number("checkpoint")
  options.compareEverySteps = settings.number("compare")
  var agreement = Handshake()
  if settings["bare"] == nil {
    try agreement.addProgramAndLibraries()
    agreement.addMPI()
  }
  let odd = settings.number("oddData") == group.rank
  agreement.add("the data", odd ? "other examples" : "the examples")
  var directory: RunDirectory?
  if let path = settings["directory"] {
    directory = try RunDirectory.open(
      path, resume: settings["resume"] != nil, configuration: [:], on: group)
  }
  let evaluation = try Evaluation(
    "slow", count: group.size, shardSize: 1, metricNames: [], on: group
  ) { positions, record in
    if positions.lowerBound == 1 { sleep(UInt32(settings.number("slowEvaluation") ?? 0)) }
    record.loss = 1
    record.weight = 1
    record.examples = 1
  }
  var steps = 0
  var madeOfFactors = 0
  let oddSeed = settings.number("oddConfiguration") == group.rank
  let trainer = try Trainer(
    step: step,
    sampler: try Sampler(
      count: examples, batchSize: settings.number("batch") ?? examples * 9 / 20, seed: 3),
    evaluations: [evaluation], options: options,
    configuration: oddSeed ? ["seed": 4] : [:], handshake: agreement, directory: directory,
    on: group,
    listener: {
      guard case .step(let report, _, _) = $0 else { return }
      steps += 1
      if step.exchange.usesSufficientFactors { madeOfFactors += 1 }
      if settings["speak"] != nil {
        print("step \(report.step)")
        fflush(nil)
      }
    })
  if settings.number("leaveEarly") == group.rank { return Outcome(.done, step: 0) }
  if let seconds = settings.number("terminateAfter") { terminate(after: seconds) }
  let outcome = try trainer.run(resume: settings["resume"] != nil)
  if group.isRoot, let fingerprint = outcome.fingerprint {
    print("factors in \(madeOfFactors) of \(steps) steps")
    print("pieces taken \(step.exchange.piecesTaken)")
    print("fingerprint", rule, fingerprint)
  }
  return outcome
}

/// Takes the ranks as a case's settings say, and trains.
///
/// - Parameter isFirst: whether the library may not have been used yet.
func run(_ settings: Settings, on world: MPICommunicator, isFirst: Bool) throws -> Int32 {
  func notice(_ text: String) { print("notice", text) }
  let path: ExchangePath =
    switch settings["path"] {
    case "messages": .messages
    case "shared": .sharedMemory
    default: .automatic
    }
  let reduction = GradientReduction(rawValue: settings["reduction"] ?? "tree")!
  let patience = Watchdog.Patience(
    deadline: Double(settings.number("deadline") ?? 600),
    longDeadline: settings.number("longDeadline").map { Double($0) })
  let group =
    try settings.number("nodes").map { nodes in
      try MPICollective(
        world, path: path, reduction: reduction, patience: patience, nodeOf: { $0 % nodes },
        notice: notice)
    }
    ?? MPICollective(
      world, path: path, reduction: reduction, patience: patience, notice: notice)
  if let bytes = settings.number("bucket") { group.bucketBytes = bytes }
  group.sharedMemoryLimit = settings.number("sharedMemory")
  if isFirst {
    // Before the library is first used, which reads it then.
    if settings.number("oddLibrary") == group.rank { setenv("DNNL_MAX_CPU_ISA", "SSE41", 1) }
    if settings["disagree"] == nil {
      let isa = try InstructionSet.agree(
        on: group, pinned: settings["isa"].flatMap { InstructionSet(name: $0) })
      if group.isRoot { print("instruction set", isa.name) }
    }
  }
  var code: Int32 = 0
  for rule in settings.rules { code = try train(rule, settings, on: group).exitCode }
  return code
}

/// The settings of each case; the word `then` stands between two.
let cases = CommandLine.arguments.dropFirst()
  .split(separator: "then", omittingEmptySubsequences: false).map { Settings(Array($0)) }
Interruption.install()
let code = MPISession.run { world -> Int32 in
  var code: Int32 = 0
  for (index, settings) in cases.enumerated() {
    if cases.count > 1, world.rank == 0 { print("case", index) }
    code = max(code, try run(settings, on: world, isFirst: index == 0))
  }
  return code
}
exit(code)
