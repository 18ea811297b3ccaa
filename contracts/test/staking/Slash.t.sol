// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

contract SlashTest is KmsTest {
    uint96 private constant STAKE = 10 * MIN_LOCKED;
    uint32 private constant LOCK = 40;
    address private miner;
    address private worker;
    address private challenger = makeAddr("challenger");
    uint32 private start;

    function setUp() public override {
        super.setUp();
        (miner, worker,) = _miner("miner", STAKE, LOCK);
        start = _now();
    }

    function _slash(uint96 penalty, uint96 reward) private {
        vm.prank(adjudicator);
        escrow.slash(miner, penalty, challenger, reward);
    }

    function _refuses(uint96 penalty, uint96 reward, bytes memory reason) private {
        bytes memory before = abi.encode(escrow.position(miner));
        vm.expectRevert(reason);
        _slash(penalty, reward);
        assertEq(abi.encode(escrow.position(miner)), before);
        assertEq(token.balanceOf(challenger), 0);
    }

    // ---------------------------------------------------------------- refusals

    function testFuzz_onlyTheJudgesSlash(address caller) public {
        vm.assume(caller != adjudicator && caller != challenges);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotJudge.selector, caller));
        escrow.slash(miner, 1 ether, caller, 0);
    }

    function test_neitherControlNorItsOwnerNorTheGuardianSlashes() public {
        address[4] memory powers = [address(control), address(timelock), guardian, address(rewards)];
        for (uint256 i = 0; i < powers.length; ++i) {
            vm.prank(powers[i]);
            vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotJudge.selector, powers[i]));
            escrow.slash(miner, 1 ether, powers[i], 0);
        }
    }

    function test_refusesAPenaltyOfNothing() public {
        _refuses(0, 0, abi.encodeWithSelector(IStakingEscrow.EscrowAmountZero.selector));
    }

    function test_refusesMoreThanTheStake() public {
        _refuses(
            STAKE + 1,
            0,
            abi.encodeWithSelector(IStakingEscrow.EscrowInsufficientStake.selector, STAKE + 1, STAKE)
        );
        vm.prank(miner);
        escrow.unbond(MIN_LOCKED);
        _refuses(
            type(uint96).max,
            0,
            abi.encodeWithSelector(IStakingEscrow.EscrowInsufficientStake.selector, type(uint96).max, STAKE)
        );
    }

    function test_refusesToSlashAStranger() public {
        vm.prank(adjudicator);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowInsufficientStake.selector, 1, 0));
        escrow.slash(alice, 1, challenger, 0);
    }

    /// @dev A miner that accuses itself loses more than half of the penalty.
    function testFuzz_refusesARewardOfHalfOrMore(uint96 penalty, uint96 reward) public {
        penalty = uint96(bound(penalty, 1, STAKE));
        reward = uint96(bound(reward, (uint256(penalty) + 1) / 2, type(uint96).max));
        _refuses(
            penalty,
            reward,
            abi.encodeWithSelector(IStakingEscrow.EscrowRewardTooHigh.selector, reward, penalty)
        );
    }

    function test_refusesAfterTheExit() public {
        vm.startPrank(miner);
        escrow.setWindDown(true);
        _skip(LOCK + 1);
        escrow.withdraw(miner);
        vm.stopPrank();
        vm.prank(adjudicator);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowInsufficientStake.selector, 1, 0));
        escrow.slash(miner, 1, challenger, 0);
    }

    // ---------------------------------------------------------------- what it takes

    function testFuzz_takesLockedThenTrancheAndBurnsTheRest(uint96 unbonded, uint96 penalty, uint96 reward)
        public
    {
        unbonded = uint96(bound(unbonded, 1, STAKE - MIN_LOCKED));
        penalty = uint96(bound(penalty, 1, STAKE));
        reward = uint96(bound(reward, 0, (uint256(penalty) - 1) / 2));
        vm.prank(miner);
        escrow.unbond(unbonded);
        uint96 locked = STAKE - unbonded;
        uint96 fromLocked = penalty < locked ? penalty : locked;
        uint96 restUnbonding = unbonded - (penalty - fromLocked);

        vm.expectEmit(address(escrow));
        emit IStakingEscrow.Slashed(
            2, miner, penalty, challenger, reward, locked - fromLocked, restUnbonding
        );
        _slash(penalty, reward);

        assertEq(escrow.position(miner).locked, locked - fromLocked);
        assertEq(escrow.position(miner).unbonding, restUnbonding);
        assertEq(escrow.totalLocked(), locked - fromLocked);
        assertEq(escrow.totalUnbonding(), restUnbonding);
        assertEq(token.balanceOf(challenger), reward);
        assertEq(token.totalSupply(), INITIAL - (penalty - reward));
        assertEq(token.balanceOf(address(escrow)), STAKE - penalty);
        assertEq(escrow.lastSeq(), 2);
    }

    function test_anEmptiedPositionStartsAfresh() public {
        vm.prank(miner);
        escrow.setWindDown(true);
        _slash(STAKE, 0);
        IStakingEscrow.Position memory position = escrow.position(miner);
        assertEq(position.lockPeriods + position.unlockPeriod + position.releasePeriod, 0);
        _deposit(miner, MIN_LOCKED, MIN_LOCK);
        assertEq(escrow.position(miner).lockPeriods, MIN_LOCK);
    }

    function test_anEmptiedTrancheForgetsItsRelease() public {
        vm.prank(miner);
        escrow.unbond(STAKE);
        _slash(STAKE, 0);
        assertEq(escrow.position(miner).releasePeriod, 0);
        vm.prank(miner);
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowNothingToWithdraw.selector, miner, 0, start)
        );
        escrow.withdraw(miner);
    }

    function test_tellsAllThatIsAtRisk() public {
        _slash(1 ether, 0);
        vm.prank(miner);
        escrow.unbond(MIN_LOCKED);
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(miner);
        assertEq(locked, STAKE - 1 ether - MIN_LOCKED);
        assertEq(unbonding, MIN_LOCKED);
        (locked, unbonding) = escrow.stakeAtRisk(alice);
        assertEq(uint256(locked) + unbonding, 0);
    }

    /// @dev Lock, wind-down and rate share a slot with the locked tokens.
    function test_aSlashTouchesNothingBeside() public {
        vm.startPrank(miner);
        escrow.setMinRate(RATE);
        escrow.setWindDown(true);
        vm.stopPrank();
        IStakingEscrow.Position memory before = escrow.position(miner);
        for (uint256 i = 1; i <= 3; ++i) {
            _slash(1, 0);
        }
        IStakingEscrow.Position memory left = escrow.position(miner);
        assertEq(left.locked, before.locked - 3);
        assertEq(left.lockPeriods, before.lockPeriods);
        assertEq(left.unlockPeriod, before.unlockPeriod);
        assertGt(left.unlockPeriod, 0);
        assertEq(escrow.minRateOf(miner), RATE);
        assertEq(left.unbonding, before.unbonding);
        assertEq(left.releasePeriod, before.releasePeriod);
    }

    // ---------------------------------------------------------------- slashing and leaving

    /// @dev Tokens that are leaving stay at risk until they are gone.
    function test_tokensOnTheirWayOutAreStillSlashable() public {
        vm.prank(miner);
        escrow.unbond(STAKE);
        _goto(start + LOCK + 1);
        // Released, not yet withdrawn.
        _slash(STAKE - 1, 0);
        vm.prank(miner);
        assertEq(escrow.withdraw(miner), 1);
    }

    function test_aWoundDownPositionIsStillSlashable() public {
        vm.prank(miner);
        escrow.setWindDown(true);
        _goto(start + LOCK + 100);
        _slash(STAKE / 2, 0);
        vm.prank(miner);
        assertEq(escrow.withdraw(miner), STAKE - STAKE / 2);
    }

    function test_aSlashShortensAndLengthensNoLock() public {
        vm.startPrank(miner);
        escrow.unbond(MIN_LOCKED);
        escrow.setWindDown(true);
        vm.stopPrank();
        IStakingEscrow.Position memory before = escrow.position(miner);
        _skip(3);
        _slash(MIN_LOCKED, 1);
        IStakingEscrow.Position memory later = escrow.position(miner);
        assertEq(later.lockPeriods, before.lockPeriods);
        assertEq(later.unlockPeriod, before.unlockPeriod);
        assertEq(later.releasePeriod, before.releasePeriod);
    }

    function test_aRestBelowTheMinimumServesNobodyAndMayLeave() public {
        _slash(STAKE - 1, 0);
        address[] memory miners = _list(miner);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miner,
                IStakingEscrow.Service.StakeTooSmall,
                1,
                start
            )
        );
        escrow.requireCanServe(miners, 1, start);
        vm.startPrank(miner);
        escrow.unbond(1);
        _skip(LOCK + 1);
        assertEq(escrow.withdraw(miner), 1);
        vm.stopPrank();
    }

    function test_aRestBelowTheMinimumMayBeDepositedUpOnly() public {
        _slash(STAKE - 1, 0);
        _fund(miner, MIN_LOCKED);
        vm.startPrank(miner);
        token.approve(address(escrow), MIN_LOCKED);
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowBelowMinimum.selector, MIN_LOCKED - 1, MIN_LOCKED)
        );
        escrow.deposit(MIN_LOCKED - 2, LOCK);
        escrow.deposit(MIN_LOCKED - 1, LOCK);
        vm.stopPrank();
        escrow.requireCanServe(_list(miner), 1, start + LOCK - EVIDENCE);
    }

    /// @dev Any order of unbonds and slashes leaves the sums right and the exit open.
    function testFuzz_unbondsAndSlashesInAnyOrder(uint256 seed) public {
        uint96 gone;
        for (uint256 i = 0; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            IStakingEscrow.Position memory position = escrow.position(miner);
            uint96 atRisk = position.locked + position.unbonding;
            if (atRisk == 0) break;
            if (seed % 3 == 0) {
                vm.prank(miner);
                try escrow.unbond(uint96((seed >> 8) % (2 * STAKE))) {} catch {}
            } else if (seed % 3 == 1) {
                uint96 penalty = uint96(1 + (seed >> 8) % ((seed >> 100) % 5 == 0 ? atRisk : atRisk / 4 + 1));
                if (penalty > atRisk) penalty = atRisk;
                _slash(penalty, (penalty - 1) / 2);
                gone += penalty;
            }
            _skip((seed >> 120) % 4);
        }
        IStakingEscrow.Position memory rest = escrow.position(miner);
        assertEq(rest.locked + rest.unbonding, STAKE - gone);
        if (gone == STAKE) return;
        vm.startPrank(miner);
        if (rest.locked > 0) escrow.setWindDown(true);
        _skip(LOCK + 1);
        assertEq(escrow.withdraw(alice), STAKE - gone);
        vm.stopPrank();
        assertEq(escrow.totalLocked() + escrow.totalUnbonding(), 0);
        assertEq(token.balanceOf(address(escrow)), 0);
    }

    /// @dev The reward is a plain transfer, so no recipient can refuse it or call back.
    function test_aChallengerWithoutAReceiverIsPaidAllTheSame() public {
        vm.prank(adjudicator);
        escrow.slash(miner, 10 ether, address(rewards), 4 ether);
        assertEq(token.balanceOf(address(rewards)), 4 ether);
    }

    /// @dev The same account is miner and challenger.
    function test_aMinerThatAccusesItselfLosesMoreThanHalf() public {
        vm.prank(adjudicator);
        escrow.slash(miner, 10 ether, miner, 5 ether - 1);
        assertEq(token.balanceOf(miner), 5 ether - 1);
        assertEq(escrow.position(miner).locked, STAKE - 10 ether);
    }
}
