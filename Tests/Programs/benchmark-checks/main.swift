import LockstepBenchmark
import LockstepDistributed
import LockstepFiles
import LockstepMPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// Runs a benchmark on the ranks that mpirun started and prints its result as a line of JSON:
//   step MODEL [SECONDS] [SHARDS] | profile MODEL [SHARD SIZE] [LENGTH] | kernels MODEL [SHARD SIZE]
//   ceiling MODEL [SECONDS] | scaling MODEL [SECONDS] | update [PARAMETERS] | fold [BYTES]

let arguments = Array(CommandLine.arguments.dropFirst())

func argument(_ index: Int, _ fallback: Double) -> Double {
  index < arguments.count ? Double(arguments[index]) ?? fallback : fallback
}

func model() -> BenchmarkModel {
  guard arguments.count > 1, let model = BenchmarkModel(rawValue: arguments[1]) else {
    print("expected a model: \(BenchmarkModel.allCases.map(\.rawValue))")
    exit(2)
  }
  return model
}

MPISession.run(threadLevel: .funneled) { world in
  let collective = try MPICollective(world)
  switch arguments.first {
  case "step":
    var options = StepBenchmark.Options()
    options.model = model()
    options.seconds = argument(2, 0.5)
    options.shards = arguments.count > 3 ? Int(arguments[3]) : nil
    let result = try StepBenchmark.run(options, on: collective)
    if world.rank == 0 { print(result.json.compactText) }
  case "scaling":
    var options = ScalingBenchmark.Options()
    options.step.model = model()
    options.seconds = argument(2, 0.4)
    options.rounds = 3
    let result = try ScalingBenchmark.run(options, on: collective)
    if world.rank == 0 { print(result.json.compactText) }
  case "ceiling":
    var options = StepBenchmark.Options()
    options.model = model()
    options.seconds = argument(2, 0.4)
    options.windows = 3
    let result = try CeilingBenchmark.run(options, on: collective)
    if world.rank == 0 { print(result.json.compactText) }
  case "profile":
    let length = arguments.count > 3 ? Int(arguments[3]) : nil
    let result = try ScheduleProfile.run(
      model(), shardSize: Int(argument(2, 32)), sequence: length)
    for entry in result.entries {
      let microseconds = Int((entry.seconds * 1e7).rounded())
      print("\(Double(microseconds) / 10)\t\(entry.label)\t\(entry.implementation)")
    }
    let sum = result.entries.reduce(0) { $0 + $1.seconds }
    print("\(result.seconds * 1e6)\ttotal; sum of all \(sum * 1e6)")
  case "kernels":
    var options = KernelBenchmark.Options()
    options.model = model()
    options.shardSize = Int(argument(2, 32))
    print(try KernelBenchmark.run(options).json.compactText)
  case "update":
    var options = UpdateBenchmark.Options()
    options.parameters = Int(argument(1, Double(options.parameters)))
    let result = try UpdateBenchmark.run(options, on: collective)
    if world.rank == 0 { print(result.json.compactText) }
  case "fold":
    var options = FoldBenchmark.Options()
    options.bytes = Int(argument(1, Double(options.bytes)))
    let result = try FoldBenchmark.run(options, on: collective)
    if world.rank == 0 { print(result.json.compactText) }
  default:
    print("step | ceiling | scaling | profile | kernels | update | fold")
    exit(2)
  }
}
