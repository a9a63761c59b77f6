import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepMPI

/// What goes before the first step of a run, in the one way that `train`, `sweep` and `verify` do it:
/// configuration, instruction set, ranks, data, model, initial weights.
struct RunPreparation {
  /// The options of a command that trains.
  static let options: [OptionSpecification] =
    NamedConfiguration.options + [
      .option(
        "--initial-weights", "PATH",
        "start from the weights of a safetensors file, a checkpoint or a run directory"),
      .option(
        "--checkpoint", "best|last|N",
        "which checkpoint of the run directory --initial-weights names"),
      .option("--isa", "SET", "use at most baseline, avx2 or avx512"),
    ]

  /// The configuration that the user named, with what the command line changes.
  let named: NamedConfiguration
  /// The instruction set that all ranks use.
  let isa: InstructionSet
  private let world: MPICollective

  /// Checks what a command line says by itself, before MPI runs.
  static func check(_ arguments: Arguments) throws {
    _ = try InstructionSet.named(arguments.value("--isa"))
    _ = try overrides(arguments, from: ".")
  }

  /// Reads the configuration and agrees on an instruction set. Called by all ranks.
  ///
  /// - Parameter point: values that come after those of the command line.
  init(
    _ path: String, _ arguments: Arguments, point: [Override] = [], on world: MPICollective
  ) throws {
    // Rank 0 reads the files, from where it stands.
    let directory = try world.fromRoot { Array(WorkingDirectory.path.utf8) }
    named = try NamedConfiguration(
      path,
      overrides: try Self.overrides(arguments, from: String(decoding: directory, as: UTF8.self))
        + point,
      keptModel: arguments.has("--resume") ? arguments.value("--run-directory") : nil, on: world)
    // Before anything is planned: ranks of different processors use what all of them have.
    isa = try InstructionSet.agree(
      on: world, pinned: try InstructionSet.named(arguments.value("--isa")))
    self.world = world
  }

  /// The values that a command line puts in the configuration's place.
  ///
  /// - Parameter directory: what paths on it start from.
  static func overrides(
    _ arguments: Arguments, from directory: String
  ) throws -> [Override] {
    var overrides = try arguments.overrides()
    let choice = try arguments.checkpoint()
    guard let path = arguments.value("--initial-weights") else {
      if choice != nil {
        throw ArgumentError(
          description: "'--checkpoint' needs '--initial-weights RUN-DIRECTORY'")
      }
      return overrides
    }
    let file = path.hasPrefix("/") ? path : "\(directory)/\(path)"
    overrides.append(Override(path: "initialWeights.file", value: .string(file)))
    // A step's number is an integer; `best` and `last` are words.
    let checkpoint: JSONValue? = choice.map { choice in
      if case .step(let step) = choice { .integer(step) } else { .string("\(choice)") }
    }
    overrides.append(Override(path: "initialWeights.checkpoint", value: checkpoint ?? .null))
    return overrides
  }

  /// The ranks as the configuration wants them to add gradients. Called by all ranks.
  func ranks(for configuration: RunConfiguration) throws -> MPICollective {
    try Job.ranks(world, for: configuration)
  }

  /// Reads the data on all ranks. Called by all ranks.
  ///
  /// - Throws: ``InterruptedError`` where a rank is asked to stop meanwhile, at once.
  func data(of configuration: RunConfiguration) throws -> DataConfiguration.Parts {
    do {
      return try world.together {
        try ReadingStop.heeding({ Interruption.isRequested }) { try configuration.data.load() }
      }
    } catch {
      try world.endIfInterrupted()
      throw error
    }
  }

  /// Makes a run ready for its first step. Called by all ranks.
  ///
  /// - Parameters:
  ///   - collective: what ``ranks(for:)`` gave.
  ///   - goesOn: whether it will go on from a checkpoint, and so needs no initial weights.
  func run(
    _ configuration: RunConfiguration, _ data: DataConfiguration.Parts,
    on collective: MPICollective, goesOn: Bool = false
  ) throws -> ConfiguredRun {
    let run = try ConfiguredRun(configuration, data: data, on: collective)
    guard !goesOn else {
      if configuration.initialWeights != nil, collective.isRoot {
        Console.line("initial weights: not read, the run goes on from its checkpoint")
      }
      return run
    }
    for line in try run.loadInitialWeights() { Console.line("initial weights: \(line)") }
    return run
  }

  /// Makes sure that a run can be made ready, initial weights included; says nothing. Called by all
  /// ranks.
  func check(
    _ configuration: RunConfiguration, _ data: DataConfiguration.Parts
  ) throws {
    let run = try ConfiguredRun(configuration, data: data, on: try ranks(for: configuration))
    _ = try run.loadInitialWeights()
  }

  /// What all ranks must have the same of, beside configuration, model and data.
  func agreement() throws -> Handshake {
    var agreement = Handshake()
    agreement.add("the command line", CommandLine.arguments.dropFirst().joined(separator: "\0"))
    try agreement.addProgramAndLibraries()
    agreement.addMPI()
    agreement.add("the instruction set", isa.name)
    return agreement
  }
}

extension InstructionSet {
  /// The set that a user asked for; nil where none was.
  static func named(_ name: String?) throws -> InstructionSet? {
    guard let name else { return nil }
    guard let set = InstructionSet(name: name) else {
      let known = InstructionSet.allCases.map(\.name)
      let hint = NearestName.find(name, among: known).map { "; did you mean '\($0)'?" } ?? ""
      throw ArgumentError(
        description: "'--isa' must be one of \(known.joined(separator: ", ")); found '\(name)'"
          + hint)
    }
    return set
  }
}
