import LockstepMPI
import Testing

@Suite struct LauncherClaimTests {
  func tasks(_ environment: [String: String]) -> Int? {
    LauncherClaim(environment: environment)?.tasks
  }

  @Test func noVariablesNoClaim() {
    #expect(tasks([:]) == nil)
    #expect(tasks(["SLURM_NTASKS": "8"]) == nil)
    #expect(tasks(["PMI_SIZE": "many"]) == nil)
  }

  @Test func theNearestLauncherWins() {
    let slurm = ["SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "8"]
    #expect(tasks(slurm) == 4)
    #expect(tasks(slurm.merging(["PMI_SIZE": "2"]) { $1 }) == 2)
    #expect(tasks(slurm.merging(["PMI_SIZE": "2", "OMPI_COMM_WORLD_SIZE": "1"]) { $1 }) == 1)
  }

  /// The pseudo-steps of sbatch and salloc are no launch of N tasks; a numbered step is.
  @Test func onlyAStepOfSlurmCounts() {
    var environment = ["SLURM_PROCID": "0", "SLURM_NTASKS": "8"]
    #expect(tasks(environment) == nil)
    environment["SLURM_STEP_ID"] = "4294967291"
    #expect(tasks(environment) == nil)
    environment["SLURM_STEP_ID"] = "0"
    #expect(tasks(environment) == 8)
  }

  @Test func refusesSingletonsAlone() throws {
    let claim = try #require(LauncherClaim(environment: ["PMI_SIZE": "4"]))
    #expect(claim.refusal(worldSize: 4) == nil)
    let reason = try #require(claim.refusal(worldSize: 1))
    #expect(reason.contains("started 4 tasks (PMI_SIZE=4), but this MPI library sees 1"))
    let one = try #require(LauncherClaim(environment: ["PMI_SIZE": "1"]))
    #expect(one.refusal(worldSize: 1) == nil)
  }

  /// MPICH built as it comes, and built to speak PMIx; Open MPI.
  @Test func refusesMPICHUnderOpenMPIsLauncher() throws {
    let mpich = "MPICH Version:      5.0.2\nMPICH Device: ch4:ofi\nMPICH configure: --prefix=/usr\n"
    let claim = try #require(LauncherClaim(environment: ["OMPI_COMM_WORLD_SIZE": "2"]))
    let reason = try #require(claim.refusal(library: mpich))
    #expect(reason.contains("Open MPI's mpirun has started this process"))
    #expect(reason.contains("linked with MPICH 5.0.2,"))
    #expect(claim.refusal(library: mpich + "--with-pmix=/usr") == nil)
    #expect(claim.refusal(library: "Open MPI v5.0.11, package: Open MPI, 2026") == nil)
    let own = try #require(LauncherClaim(environment: ["PMI_SIZE": "2"]))
    #expect(own.refusal(library: mpich) == nil)
  }

  @Test(arguments: [
    ("MPICH Version:      5.0.2\nMPICH Release date:", "MPICH 5.0.2"),
    ("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4", "Open MPI v4.1.4"),
    ("Intel(R) MPI Library 2021.9 for Linux* OS", "Intel(R) MPI Library 2021.9 for Linux* OS"),
  ])
  func theLibraryHasAShortName(text: String, name: String) {
    #expect(MPILibrary.name(inVersion: text) == name)
  }
}
