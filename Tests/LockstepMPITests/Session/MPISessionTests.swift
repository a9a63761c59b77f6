import MPITesting
import Testing

@Suite struct MPISessionTests {
  let program: String

  init() throws { program = try MPIRunner.builtExecutable("mpi-checks") }

  /// While the others wait for it in a collective.
  @Test(arguments: [1, 2, 4])
  func aThrowOnOneRankEndsTheJob(ranks: Int) throws {
    let result = try MPIRunner.run(program, ["throw"], ranks: ranks, deadline: .seconds(30))
    #expect(result.ending == .exited(7), "\(result.transcript)")
    #expect(result.errorOutput.contains("rank \(ranks - 1): the disk is full\n"))
  }

  /// Whatever the library does to standard output.
  @Test func linesOfSeveralRanksStayWhole() throws {
    let result = try MPIRunner.run(program, ["lines"], ranks: 3, deadline: .seconds(30))
    #expect(result.succeeded, "\(result.transcript)")
    let all = (0..<3).flatMap { rank in (0..<20).map { "line \($0) of rank \(rank)" } }
    #expect(result.lines.filter { !$0.isEmpty }.sorted() == all.sorted(), "\(result.transcript)")
  }

  /// Open MPI's folder for a session is the same for all of a user's programs that no launcher has started, and
  /// one that ends removes it while another starts. Such a program needs none: it starts where none can be made.
  @Test func aProgramAloneNeedsNoFolder() throws {
    let result = try MPIRunner.runAlone(
      program, ["throw"], environment: ["TMPDIR": "/dev/null"], deadline: .seconds(30))
    #expect(result.ending == .exited(7), "\(result.transcript)")
    #expect(result.errorOutput.contains("rank 0: the disk is full\n"))
  }

  @Test func callsAfterTheEndThrow() throws {
    for ranks in [1, 2] {
      let result = try MPIRunner.run(
        program, ["use-after-finalize"], ranks: ranks, deadline: .seconds(30))
      #expect(result.succeeded, "\(result.transcript)")
      let end = """
        false true true [2.0] false true
        rank 0: MPI_Barrier: MPI is finalized: no call is possible any more
        rank 0: MPI_Allreduce: MPI is finalized: no call is possible any more
        rank 0: MPI_Finalize: MPI is finalized: no call is possible any more
        rank 0: MPI_Init_thread: MPI was finalized: a process can have one session only
        rank 0: MPI_Win_sync: MPI is finalized: no call is possible any more
        rank 0: MPI_Waitall: MPI is finalized: no call is possible any more
        """
      #expect(result.output.contains(end), "\(result.transcript)")
      #expect(
        result.lines.contains("MPI_Wtime: MPI is not initialised: make an MPISession first"))
    }
  }

  /// A send cannot be called back, and its buffer must not go: the job ends instead.
  @Test func aScopeThatCannotUnwindEndsTheJob() throws {
    let result = try MPIRunner.run(program, ["stuck-unwind"], ranks: 2, deadline: .seconds(30))
    #expect(result.ending == .exited(1), "\(result.transcript)")
    #expect(
      result.errorOutput.contains(
        """
        rank 0: MPI_Issend: still pending 0.5 s after the scope that started it failed with: lost \
        the thread
        """))
  }

  @Test func aSingleProcessNeedsNoLauncher() throws {
    let result = try MPIRunner.runAlone(program, ["size"], deadline: .seconds(30))
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.lines.contains("size 1"))
  }

  @Test(arguments: [
    ["PMI_SIZE": "4"], ["OMPI_COMM_WORLD_SIZE": "3"],
    ["SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"],
  ])
  func theWrongLauncherIsRefused(environment: [String: String]) throws {
    let result = try MPIRunner.runAlone(
      program, ["size"], environment: environment.mapValues { $0 }, deadline: .seconds(30))
    #expect(result.ending == .exited(1), "\(result.transcript)")
    #expect(result.output == "")
    #expect(result.errorOutput.hasPrefix("MPI_Init_thread: "))
    // MPICH is not even initialised under Open MPI's launcher.
    let reasons = ["but this MPI library sees 1", "linked with MPICH"]
    #expect(reasons.contains(where: result.errorOutput.contains))
  }

  /// A shell of salloc and a script of sbatch see the allocation's tasks, and may run one process.
  @Test(arguments: [
    ["SLURM_NTASKS": "4"], ["SLURM_NTASKS": "4", "SLURM_PROCID": "0"],
    ["PMI_SIZE": "1", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "4"],
  ])
  func aSingleProcessInAnAllocationRuns(environment: [String: String]) throws {
    let result = try MPIRunner.runAlone(
      program, ["size"], environment: environment.mapValues { $0 }, deadline: .seconds(30))
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.lines.contains("size 1"))
  }
}
